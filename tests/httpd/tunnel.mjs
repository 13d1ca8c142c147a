// SPDX-License-Identifier: Apache-2.0
//
// Plain HTTP in front of a server that speaks TLS, so that tests which speak to the byte can be run through TLS:
//
//	node tunnel.mjs PORT TLS-PORT
//
// Bytes and ends go through as they are; each connection is one there.
import net from "node:net";
import tls from "node:tls";

const [port, to] = process.argv.slice(2).map(Number);

net.createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
	const far = tls.connect({ host: "127.0.0.1", port: to, rejectUnauthorized: false, allowHalfOpen: true });
	const end = () => {
		near.destroy();
		far.destroy();
	};

	far.setNoDelay(true);
	near.on("error", end);
	far.on("error", () => near.resetAndDestroy());
	near.pipe(far);
	far.pipe(near);
	far.on("close", () => near.destroySoon());
	near.on("close", () => far.destroy());
}).listen(port, "127.0.0.1");
