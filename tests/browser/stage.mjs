/* SPDX-License-Identifier: Apache-2.0
 *
 * What the browser tests play on: a small HTTP server that serves web/ and frames by script, and Chromium
 * through playwright-core. Each scenario has a server of its own, and a browser context of its own.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { drawScenes, stamped } from "./picture.mjs";
import { skipAll } from "./tap.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const web = join(here, "../../web");
export const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'";
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css",
	".svg": "image/svg+xml" };
const CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
	"--disable-background-networking", "--disable-component-update", "--disable-sync"];

/* Chromium, or the end of the script with the reason to skip it. The profile is a new one that is removed. */
export async function launch() {
	const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
	const modules = join(process.env.top_builddir || join(here, "../.."), "tests/browser/");
	if (!existsSync(executablePath))
		skipAll(`no Chromium at ${executablePath}; install it or set CHROMIUM`);
	let chromium;
	try {
		({ chromium } = createRequire(modules)("playwright-core"));
	} catch {
		skipAll(`no playwright-core in ${modules}node_modules; script/test installs it`);
	}
	return chromium.launch({ executablePath, headless: true, args: CHROMIUM_FLAGS });
}

export async function scenes(browser, size = { count: 16, width: 640, height: 360 }) {
	const page = await browser.newPage();
	const jpegs = (await page.evaluate(drawScenes, size)).map((text) => Buffer.from(text, "base64"));
	await page.close();
	return jpegs;
}

/* A relay as the viewer sees it. live() answers by the contract; `script` may be replaced by a function
 * (answer, query, relay) of one's own, and gets the answers of live() as relay.live(answer, query). */
export class Relay {
	requests = [];		/* { at, after, status } of each request for a picture */
	script = (answer, query) => this.live(answer, query);
	csp = CSP;
	pages = new Map();	/* path → HTML beside web/site */

	constructor(jpegs, { period = 200, epoch = 1763712000, first = 0 } = {}) {
		Object.assign(this, { jpegs, period, epoch, first, started: performance.now(), headers: {} });
	}

	/* The newest frame: its seq, and when it was due. */
	newest() {
		const n = Math.floor((performance.now() - this.started) / this.period);
		return { seq: this.first + n, due: this.started + n * this.period };
	}

	picture(seq, change = {}) {
		return stamped(this.jpegs[seq % this.jpegs.length], { id: `${this.epoch}-${seq}`, ...change });
	}

	frameHeaders(seq) {
		const age = Math.max(0, Math.round(performance.now() - this.started - (seq - this.first) * this.period));
		return { "Frame-Id": `${this.epoch}-${seq}`, "Frame-Age": age, "Frame-Period": this.period,
			"Frame-Next": Math.max(0, this.period - age), "Frame-State": "live", "Served-By": "relay-a",
			"Cache-Control": "no-store", ...this.headers };
	}

	/* By the contract, or with a body, a status and headers other than it says. */
	live(answer, query, { seq = this.newest().seq, body, headers = {}, status = 200 } = {}) {
		if (status === 200 && query.after === `${this.epoch}-${seq}`)
			return answer(204, this.frameHeaders(seq));
		const bytes = body ?? this.picture(seq);
		return answer(status, { "Content-Type": "image/jpeg", "Content-Length": bytes.length,
			...this.frameHeaders(seq), ...headers }, bytes);
	}

	async listen(port = 0) {
		this.server = createServer((request, response) => this.#serve(request, response));
		this.server.on("connection", (socket) => {
			this.sockets.add(socket);
			socket.on("close", () => this.sockets.delete(socket));
		});
		this.sockets = new Set();
		await new Promise((resolve) => this.server.listen(port, "127.0.0.1", resolve));
		this.port = this.server.address().port;
		this.url = `http://127.0.0.1:${this.port}`;
		return this;
	}

	/* As a machine dies: nothing more is sent on any connection. */
	async die() {
		const closed = new Promise((resolve) => this.server.close(resolve));
		this.sockets.forEach((socket) => socket.destroy());
		await closed;
	}

	async #serve(request, response) {
		const url = new URL(request.url, "http://relay");
		if (url.pathname.startsWith("/live/")) {
			const entry = { at: performance.now(), path: url.pathname, after: url.searchParams.get("after"), status: 0 };
			this.requests.push(entry);
			const answer = (status, headers = {}, body = "") => {
				entry.status = status;
				response.writeHead(status, headers).end(body);
			};
			this.script(answer, entry, this, response);
			return;
		}
		const path = normalize(url.pathname === "/" ? "/index.html" : url.pathname);
		const file = join(web, path.startsWith("/viewer/") ? path : join("site", path));
		const body = this.pages.get(path) ?? await readFile(file).catch(() => null);
		const headers = this.csp ? { "Content-Security-Policy": this.csp } : {};
		response.writeHead(body === null ? 404 : 200, { "Content-Type": TYPES[extname(path)] ?? "text/plain", ...headers });
		response.end(body ?? "no such file");
	}
}

/* Runs in the page before its own scripts: writes down what the flipbook says and does. */
function watch() {
	const seen = window.seen = { ids: [], states: [], errors: [], violations: [], bitmaps: 0, closed: 0, urls: 0 };
	document.addEventListener("securitypolicyviolation", (event) =>
		seen.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
	const create = window.createImageBitmap, close = ImageBitmap.prototype.close;
	window.createImageBitmap = async (...given) => {
		const bitmap = await create(...given);
		seen.bitmaps++;
		return bitmap;
	};
	ImageBitmap.prototype.close = function() {
		seen.closed++;
		return close.call(this);
	};
	const url = URL.createObjectURL, revoke = URL.revokeObjectURL;
	URL.createObjectURL = (...given) => (seen.urls++, url(...given));
	URL.revokeObjectURL = (...given) => (seen.urls--, revoke(...given));
	document.addEventListener("DOMContentLoaded", () => {
		const flipbook = document.querySelector("koshien-flipbook");
		/* From the pixels in the corner: the number of the scene that is really on the screen. */
		const probe = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
		window.scene = () => {
			const canvas = flipbook.shadowRoot.querySelector("canvas");
			probe.drawImage(canvas, canvas.width - 20, 20, 1, 1, 0, 0, 1, 1);
			const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
			return green < 100 && blue > 150 ? Math.round(red / 16) : -1;
		};
		flipbook?.addEventListener("frame", ({ detail }) =>
			seen.ids.push({ ...detail, scene: window.scene(), at: performance.now() }));
		flipbook?.addEventListener("statechange", ({ detail }) => seen.states.push(detail.state));
		flipbook?.addEventListener("error", ({ detail }) => seen.errors.push(detail));
	});
}

/* A page of the relay with everything watched. troubles() is what must stay empty: uncaught exceptions,
 * violations of the policy, and console errors but for the browser's own line on a failed picture. */
export async function open(browser, relay, path = "/", context = {}) {
	const opened = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 800 }, ...context });
	const page = await opened.newPage();
	const complaints = [];
	page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
	page.on("console", (message) => {
		const failed = message.text().startsWith("Failed to load resource") && message.location().url.includes("/live/");
		if (["error", "warning"].includes(message.type()) && !failed)
			complaints.push(`console: ${message.text()}`);
	});
	await page.addInitScript(watch);
	await page.goto(relay.url + path, { waitUntil: "load" });
	const seen = () => page.evaluate(() => ({ ...window.seen, stats: document.querySelector("koshien-flipbook").stats,
		state: document.querySelector("koshien-flipbook").state }));
	const troubles = async () => [...complaints, ...await page.evaluate(() => window.seen?.violations ?? [])];
	return { page, seen, troubles, close: () => opened.close() };
}

/* Keeps a picture of the page where CI collects such things, if anywhere. */
export async function keep(page, name, options = {}) {
	const folder = process.env.KOSHIEN_ARTEFACTS;
	if (!folder)
		return;
	await mkdir(folder, { recursive: true });
	await page.screenshot({ path: join(folder, `${name}.png`), ...options });
}
