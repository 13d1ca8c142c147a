/* SPDX-License-Identifier: Apache-2.0
 *
 * <img src="stream.mjpg"> in Chromium, from the httpd at $KOSHIEN_URL: the colour on the page says which picture is
 * shown. After each picture the channel is silent until that one is seen, so a browser or a server that keeps one back
 * until the next never shows it. stream.test.sh runs the httpd.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { keep, launch } from "./stage.mjs";
import { suite, until } from "./tap.mjs";

const { KOSHIEN_URL: url, KOSHIEN_PAGES: pages, KOSHIEN_STORE: store, top_builddir: build } = process.env;
const EPOCH = 7, COLOURS = 16, DEADLINE = 20000;
const browser = await launch();
let seq = 0;

/* The next picture, of the colour of its number; returns that. */
function publish() {
	const { status, stderr } = spawnSync(join(build, "tests/httpd/feed"),
		["--epoch", EPOCH, "--seq", ++seq, "--colour", store, "main", "std"], { encoding: "utf8" });
	assert.equal(status, 0, stderr);
	return seq % COLOURS;
}

/* Runs in the page: the number of the picture that the image shows now; -1: none. */
function shown() {
	const img = document.querySelector("img"), probe = new OffscreenCanvas(1, 1).getContext("2d");
	if (!img.naturalWidth)
		return -1;
	probe.drawImage(img, img.naturalWidth / 2, img.naturalHeight / 2, 1, 1, 0, 0, 1, 1);
	const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
	return green < 100 && blue > 150 ? Math.round(red / 16) : -1;
}

async function pump(name) {
	const answer = await fetch(`${url}/rest/metrics`);
	return Number((await answer.text()).match(new RegExp(`^${name} (\\d+)$`, "m"))[1]);
}
const viewersAre = (n) => until(`${n} viewers in the pump`, DEADLINE, async () => await pump("koshien_serve_viewers") === n);

/* Opens the page, plays, and leaves. */
async function watch(location, play) {
	const context = await browser.newContext(), page = await context.newPage();
	await writeFile(join(pages, `${location}.html`), `<!DOCTYPE html><html lang="en"><title>stream</title>` +
		`<img src="/${location}/main/std/stream.mjpg" alt="">`);
	try {
		/* Not "load": a stream's image has never loaded. */
		await page.goto(`${url}/${location}.html`, { waitUntil: "commit" });
		const sees = (number) => until(`picture ${number} on the page`, DEADLINE, async () =>
			await page.evaluate(shown).catch(() => -1) === number);
		await play({ page, sees });
	} finally {
		await context.close();
	}
}

function scenario(location, viewers) {
	return async () => {
		await watch(location, async ({ page, sees }) => {
			/* The one that is there already, with no other behind it. */
			await sees(seq % COLOURS);
			await viewersAre(viewers);
			const began = seq;
			while (seq < began + COLOURS + 2)
				await sees(publish());
			/* Some at a time: it ends up with the last. */
			for (let round = 0; round < 3; round++) {
				[1, 2, 3, 4].forEach(publish);
				await sees(seq % COLOURS);
			}
			await viewersAre(viewers);
			await keep(page, `stream-${location}`);
		});
		await viewersAre(0);
	};
}

publish();
/* The first answer says what httpd's heads have; from the second on the pump may have connections. */
await until("a picture", DEADLINE, async () => (await fetch(`${url}/live/main/std/latest.jpg`)).status === 200);
await suite([
	["by the pump: each picture is shown when it comes", scenario("live", 1)],
	["by httpd's threads: each picture is shown when it comes", scenario("rest", 0)],
	["what is shown has changed all the time", () => assert.ok(seq > 2 * COLOURS)],
], 240000);
await browser.close();
