/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures for the tests: any JPEG, with a stamp as capture writes it (lib/frame/jpeg.h).
 */

/* 16 x 16, grey: enough for everything that does not look at pixels. */
export const TINY = Buffer.from(
	"/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6j" +
	"q62rZ4C8ybqmx5moq6T/wAALCAAQABABAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAI" +
	"AQEAAD8AAP/Z", "base64");

export function stampText({ id, captured = 1700000000000000, channel = "main", rendition = "std" }) {
	return `koshien frame=${id} captured=${captured} channel=${channel} rendition=${rendition}`;
}

/* The picture with a COM segment of this text right after SOI. */
export function withComment(jpeg, text) {
	const header = Buffer.from([0xff, 0xfe, (text.length + 2) >> 8, (text.length + 2) & 0xff]);
	return Buffer.concat([jpeg.subarray(0, 2), header, Buffer.from(text, "latin1"), jpeg.subarray(2)]);
}

export function stamped(jpeg, stamp) {
	return withComment(jpeg, stampText(stamp));
}

/* In a browser page: count scenes of a night game as JPEGs (base64), the n-th with its own colour in the
 * top right corner, so that a test can tell from the pixels which one is on the screen. */
export function drawScenes({ count, width, height }) {
	const canvas = document.createElement("canvas");
	Object.assign(canvas, { width, height });
	const g = canvas.getContext("2d");
	const fill = (colour, draw) => {
		g.fillStyle = colour;
		g.beginPath();
		draw();
		g.fill();
	};
	const polygon = (...points) => points.forEach(([x, y], i) => g[i ? "lineTo" : "moveTo"](x * width, y * height));
	const scenes = [];
	for (let n = 0; n < count; n++) {
		const sky = g.createLinearGradient(0, 0, 0, height * .4);
		sky.addColorStop(0, "#0c1b33");
		sky.addColorStop(1, "#4b6a8c");
		fill(sky, () => g.rect(0, 0, width, height));
		fill("#23303a", () => polygon([0, .24], [1, .24], [1, .42], [0, .42]));
		for (let i = 0; i < 1600; i++)
			fill(["#d9c9a5", "#8b98a5", "#c25b4e", "#eee"][i % 4], () =>
				g.rect(i * 7919 % width, height * (.25 + i * 104729 % 1000 / 6200), 2, 3));
		fill("#2c6b35", () => polygon([0, .41], [1, .41], [1, 1], [0, 1]));
		for (let i = 0; i < 10; i += 2)
			fill("#327a3d", () => polygon([i / 10, .41], [(i + 1) / 10, .41], [(i + 1) / 5 - .5, 1], [i / 5 - .5, 1]));
		fill("#a8764a", () => polygon([.5, .98], [.86, .68], [.5, .52], [.14, .68]));
		fill("#2f7439", () => polygon([.5, .9], [.76, .69], [.5, .57], [.24, .69]));
		fill("#a8764a", () => g.ellipse(width * .5, height * .7, width * .04, height * .03, 0, 0, 7));
		for (const [x, y] of [[.5, .93], [.8, .685], [.5, .55], [.2, .685]])
			fill("#fff", () => g.rect(x * width - 7, y * height - 4, 14, 8));
		const t = n / count;
		fill("#fff", () => g.arc(width * (.5 + .3 * t), height * (.68 - .4 * Math.sin(3.1 * t)), 6, 0, 7));
		for (const x of [.12, .38, .62, .88])
			fill("#fff7d6", () => g.rect(x * width - 30, height * .06, 60, 22));
		fill("rgb(0 0 0 / .6)", () => g.rect(width * .38, height * .9, width * .24, height * .08));
		g.fillStyle = "#fff";
		g.font = `600 ${height * .045}px sans-serif`;
		g.textAlign = "center";
		g.fillText(`19:42:${String(n).padStart(2, "0")}`, width * .5, height * .957);
		fill(`rgb(${n * 16} 40 200)`, () => g.rect(width - 40, 0, 40, 40));
		scenes.push(canvas.toDataURL("image/jpeg", .85).split(",")[1]);
	}
	return scenes;
}
