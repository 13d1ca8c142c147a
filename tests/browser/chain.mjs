/* SPDX-License-Identifier: Apache-2.0
 *
 * The event page on a running chain at $KOSHIEN_URL (its period is expected to be a second): pictures
 * advance, also when $KOSHIEN_KILL_CMD has killed a relay, never back, never with a gap. $KOSHIEN_SECONDS,
 * 10 by default, is how long each of the two parts is watched. Screenshots go to $KOSHIEN_ARTEFACTS, their names begin
 * with $KOSHIEN_NAME ("chain" by default).
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { keep, launch, open } from "./stage.mjs";
import { skipAll, suite, until } from "./tap.mjs";

const GAP_MAX = 2500;
const url = process.env.KOSHIEN_URL?.replace(/\/+$/, "");
const kill = process.env.KOSHIEN_KILL_CMD;
const name = process.env.KOSHIEN_NAME || "chain";
const seconds = Number(process.env.KOSHIEN_SECONDS || 10);

if (!url)
	skipAll("KOSHIEN_URL names no running chain");
const browser = await launch();
const { page, seen, troubles } = await open(browser, { url }, "/", { locale: "ja-JP" });

/* Order, gaps and refusals of everything that was seen since the page was opened. */
function assertSmooth({ ids, stats, now }) {
	const times = [...ids.map(({ at }) => at), now];
	ids.forEach(({ id }, i) => {
		const [epoch, seq] = id.split("-").map(Number);
		const [before, last] = i ? ids[i - 1].id.split("-").map(Number) : [-1, -1];
		assert.ok(epoch > before || (epoch === before && seq > last), `${id} after ${ids[i - 1]?.id}`);
		assert.ok(times[i + 1] - times[i] <= GAP_MAX, `${Math.round(times[i + 1] - times[i])} ms after ${id}`);
	});
	assert.equal(stats.refused, 0, "refused pictures");
	assert.equal(stats.older, 0, "pictures from the past");
}

async function look() {
	return { ...await seen(), now: await page.evaluate(() => performance.now()) };
}

async function advance(n) {
	const { ids } = await seen();
	await page.waitForTimeout(1000 * seconds);
	const after = await look();
	assert.ok(after.ids.length - ids.length >= n, `${after.ids.length - ids.length} pictures in ${seconds} s`);
	assertSmooth(after);
	console.log(`# ${after.ids.length} pictures, age ${Math.round(after.stats.age)} ms, by ` +
		[...new Set(after.ids.map(({ relay }) => relay))].join(" and "));
	return after;
}

await suite([
	["the page shows a picture", async () => {
		await until("the first picture", 10000, async () => (await seen()).ids.length > 0);
	}],
	[`for ${seconds} s ids advance, a picture a second`, async () => {
		const { state } = await advance(Math.floor(.8 * seconds));
		assert.equal(state, "live");
		await keep(page, `${name}-live`);
		await keep(page, `${name}-whole`, { fullPage: true });
	}],
	kill ? [`a relay is killed: ${seconds} s without a step back or a gap`, async () => {
		const { status, stderr } = spawnSync(kill, { shell: true, encoding: "utf8" });
		assert.equal(status, 0, `KOSHIEN_KILL_CMD failed: ${stderr}`);
		await advance(Math.floor(.8 * seconds) - 1);
		await keep(page, `${name}-after-kill`);
	}] : ["a relay is killed # SKIP KOSHIEN_KILL_CMD is not set", () => {}],
	["nothing violated the policy, nothing was thrown", async () => assert.deepEqual(await troubles(), [])],
], 60000 + 2000 * seconds);
await browser.close();
