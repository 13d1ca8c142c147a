/* SPDX-License-Identifier: Apache-2.0
 *
 * The flipbook and the event page in a real browser, against a relay that misbehaves on purpose.
 */
import assert from "node:assert/strict";
import { stamped, withComment } from "./picture.mjs";
import { keep, launch, open, Relay, scenes } from "./stage.mjs";
import { suite, until } from "./tap.mjs";

const browser = await launch();
const jpegs = await scenes(browser);

const seqOf = ({ id }) => Number(id.split("-")[1]);

/* What must hold in every scenario: nothing older after anything newer, and on the screen what was said. */
function assertForward(seen) {
	seen.ids.forEach((frame, i) => {
		assert.equal(frame.scene, seqOf(frame) % jpegs.length, `the pixels of ${frame.id}`);
		assert.ok(i === 0 || seqOf(frame) > seqOf(seen.ids[i - 1]), `${frame.id} after ${seen.ids[i - 1]?.id}`);
	});
}

/* A scenario: a relay, a page, and the general rules checked at its end. */
function scenario(name, { path = "/", context = {}, script, prepare, ...options }, play) {
	return [name, async () => {
		const relay = await new Relay(jpegs, options).listen();
		relay.script = script ?? relay.script;
		prepare?.(relay);
		const stage = await open(browser, relay, path, context);
		try {
			await play({ relay, ...stage });
			assert.deepEqual(await stage.troubles(), []);
			if (context.javaScriptEnabled !== false)
				assertForward(await stage.seen());
		} finally {
			await stage.close();
			await relay.die().catch(() => {});
		}
	}];
}

const shown = (seen, n, ms = 8000) => until(`${n} pictures shown`, ms, async () => {
	const now = await seen();
	return now.ids.length >= n && now;
});
const inState = (seen, state, ms = 8000) => until(`state ${state}`, ms, async () => {
	const now = await seen();
	return now.state === state && now;
});

/* One bad answer to every third request that could have a picture; returns how often it was given. */
function every3rd(bad) {
	let n = 0;
	const script = (answer, query, relay, response) => {
		const fresh = query.after !== `${relay.epoch}-${relay.newest().seq}`;
		if (fresh && ++n % 3 === 0)
			return script.given++, bad(answer, query, relay, response);
		return relay.live(answer, query);
	};
	script.given = 0;
	return script;
}

/* Bad pictures: the viewer counts each, shows none, and goes on. */
function refusal(name, reason, bad, { older = false } = {}) {
	const script = every3rd(bad);
	return scenario(`refused: ${name}`, { script, period: 100 }, async ({ seen }) => {
		const now = await until("two bad pictures and good ones after them", 15000, async () => {
			const look = await seen();
			return script.given >= 2 && look.ids.length >= 5 && look;
		});
		if (older) {
			assert.ok(now.stats.older >= 1);
			assert.equal(now.stats.refused, 0);
		} else {
			assert.ok(now.stats.refused >= 1);
			assert.deepEqual([...new Set(now.errors.map((error) => error.reason))], [reason]);
		}
	});
}

function edited(edit) {
	return (answer, query, relay) => {
		const { seq } = relay.newest();
		relay.live(answer, query, { seq, ...edit(relay.picture(seq), seq, relay) });
	};
}

const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

function plainPage(attributes = "") {
	return `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>plain</title>
		<link rel="icon" href="/icon.svg">
		<script type="module" src="/viewer/koshien-flipbook.js"></script><body>
		<koshien-flipbook src="/live" ${attributes}></koshien-flipbook>`;
}

await suite([
	scenario("ids advance under the strictest policy, one request a picture", { period: 200 }, async ({ relay, seen }) => {
		const now = await shown(seen, 15);
		assert.equal(now.state, "live");
		assert.equal(now.stats.refused + now.stats.older + now.stats.errors, 0);
		assert.equal(now.stats.served, "relay-a");
		assert.equal(now.stats.id, now.ids.at(-1).id);
		assert.ok(seqOf(now.ids.at(-1)) - seqOf(now.ids[0]) <= now.ids.length + 1, "hardly a picture is skipped");
		const answers = relay.requests.map(({ status }) => status);
		assert.ok(answers.length <= 1.5 * now.ids.length + 2, `${answers.length} requests`);
		assert.equal(relay.requests[0].after, null);
		assert.ok(relay.requests.slice(1).every(({ after }) => /^\d+-\d+$/.test(after)));
		assert.ok(now.ids.every(({ age, bytes }) => age >= 0 && age < 400 && bytes > 1000));
	}),

	scenario("a picture is asked for when it is due, whatever the clock on the wall says", { period: 1000 },
		async ({ page, seen }) => {
			await page.evaluate(() => { Date.now = () => 0; });
			const { ids, stats } = await shown(seen, 6);
			const ages = ids.slice(1).map(({ age }) => Math.round(age)).sort((a, b) => a - b);
			assert.ok(ages[0] >= 0 && ages[2] < 400, `shown at an age of ${ages} ms`);
			assert.ok(stats.age < 1500);
		}),

	refusal("a body that is cut", "cut", (answer, query, relay, response) => {
		const picture = relay.picture(relay.newest().seq);
		response.writeHead(200, { ...relay.frameHeaders(relay.newest().seq), "Content-Length": picture.length });
		response.write(picture.subarray(0, picture.length >> 1), () => setTimeout(() => response.destroy(), 20));
	}),
	refusal("a header that names another frame", "id", edited((body, seq, relay) =>
		({ headers: { "Frame-Id": `${relay.epoch}-${seq + 1}` } }))),
	refusal("a picture that ends too early", "eoi", edited((body) => ({ body: body.subarray(0, body.length - 100) }))),
	refusal("a picture without a stamp", "stamp", edited((body, seq) => ({ body: jpegs[seq % jpegs.length] }))),
	refusal("a stamp that is not one", "stamp", edited((body, seq) => ({ body: withComment(jpegs[seq % jpegs.length],
		"koshien frame=1-1 captured=x channel=main rendition=std") }))),
	refusal("a picture of another channel", "channel", edited((body, seq, relay) =>
		({ body: relay.picture(seq, { channel: "other" }) }))),
	refusal("no picture at all under a picture's headers", "soi",
		edited(() => ({ body: Buffer.from("<html>proxy error") }))),
	refusal("bytes that no decoder takes", "decode", edited((body, seq, relay) => ({
		body: stamped(Buffer.from([0xff, 0xd8, 0xff, 0xc0, 0, 2, 0xff, 0xd9]), { id: `${relay.epoch}-${seq}` }) }))),
	refusal("a length beyond the limit", "length", (answer, query, relay, response) => {
		response.writeHead(200, { ...relay.frameHeaders(relay.newest().seq), "Content-Length": 3 << 20 });
		response.write(Buffer.alloc(65536));
		setTimeout(() => response.destroy(), 500);
	}),
	refusal("an older frame", null, (answer, query, relay) =>
		relay.live(answer, {}, { seq: Math.max(0, relay.newest().seq - 5) }), { older: true }),
	refusal("an older epoch", null, (answer, query, relay) => {
		const id = `${relay.epoch - 1}-4000000000`;
		const body = stamped(jpegs[0], { id });
		relay.live(answer, {}, { body, headers: { "Frame-Id": id } });
	}, { older: true }),

	scenario("a cache that gives the same picture again is no fault", { period: 300 }, async ({ relay, seen }) => {
		await shown(seen, 2);
		const kept = relay.newest().seq;
		relay.script = (answer) => relay.live(answer, {}, { seq: kept });
		const now = await until("the same picture again", 4000, async () => {
			const look = await seen();
			return look.stats.repeated >= 2 && look;
		});
		assert.equal(now.stats.refused + now.stats.older + now.stats.errors, 0);
	}),

	scenario("503 with Retry-After: not before, and says so meanwhile", { period: 200 }, async ({ relay, seen }) => {
		await shown(seen, 3);
		relay.script = (answer) => answer(503, { "Retry-After": "2" }, "no picture yet");
		await until("a 503", 3000, () => relay.requests.some(({ status }) => status === 503));
		await inState(seen, "reconnecting");
		relay.script = (answer, query) => relay.live(answer, query);
		const before = (await seen()).ids.length;
		await shown(seen, before + 3);
		const { requests } = relay;
		requests.forEach(({ at, status }, i) => {
			if (status === 503)
				assert.ok(requests[i + 1].at - at >= 1990, `asked again after ${requests[i + 1].at - at} ms`);
		});
	}),

	scenario("403: rare tries", { script: (answer) => answer(403, {}, "no") }, async ({ relay, seen }) => {
		const now = await until("the refusal", 4000, async () => {
			const look = await seen();
			return look.errors.length > 0 && look;
		});
		assert.deepEqual([now.errors[0].status, now.state], [403, "reconnecting"]);
		assert.ok(now.errors[0].retry >= 15000);
		assert.equal(relay.requests.length, 1);
	}),

	scenario("a request that hangs is given up after 3 s", { period: 200 }, async ({ relay, seen }) => {
		await shown(seen, 3);
		let hung = 0;
		relay.script = (answer, query) => {
			if (hung++ > 0)
				relay.live(answer, query);
		};
		const now = await until("the time-out", 5000, async () => {
			const look = await seen();
			return look.errors.length > 0 && look;
		});
		assert.equal(now.errors[0].reason, "timeout");
		assert.ok(now.states.includes("delayed"), "the age was watched while the request hung");
		await shown(seen, now.ids.length + 3);
		assert.equal((await seen()).state, "live");
	}),

	scenario("an answer that stops half way is given up too", { period: 200 }, async ({ relay, seen }) => {
		await shown(seen, 3);
		let hung = 0;
		relay.script = (answer, query, r, response) => {
			if (hung++ > 0)
				return relay.live(answer, query);
			const { seq } = relay.newest(), picture = relay.picture(seq);
			response.writeHead(200, { ...relay.frameHeaders(seq), "Content-Length": picture.length });
			response.write(picture.subarray(0, 2000));
		};
		const now = await until("the time-out", 5000, async () => {
			const look = await seen();
			return look.errors.length > 0 && look;
		});
		assert.equal(now.errors[0].reason, "timeout");
		await shown(seen, now.ids.length + 3);
	}),

	scenario("the server dies and comes back", { period: 200 }, async ({ relay, page, seen }) => {
		const { ids } = await shown(seen, 3);
		await relay.die();
		await inState(seen, "reconnecting");
		assert.equal(await page.evaluate(() => window.scene() >= 0), true, "the last picture stays");
		await relay.listen(relay.port);
		await shown(seen, ids.length + 4, 20000);
		await inState(seen, "live");
	}),

	scenario("a capture that begins a new epoch is followed", { period: 200 }, async ({ relay, page, seen }) => {
		await shown(seen, 3);
		const first = Number((await seen()).ids.at(-1).id.split("-")[1]);
		Object.assign(relay, { epoch: relay.epoch + 100, first: first + 16, started: performance.now() });
		await until("the new epoch", 4000, async () => (await seen()).ids.at(-1).id.startsWith(`${relay.epoch}-`));
		assert.equal((await seen()).stats.older, 0);
	}),

	scenario("hidden: no request; visible again: one at once", { period: 200 }, async ({ relay, page, seen }) => {
		const setHidden = (hidden) => page.evaluate((value) => {
			Object.defineProperty(document, "hidden", { value, configurable: true });
			document.dispatchEvent(new Event("visibilitychange"));
		}, hidden);
		await shown(seen, 3);
		await setHidden(true);
		await page.waitForTimeout(300);
		const before = relay.requests.length;
		await page.waitForTimeout(1500);
		assert.equal(relay.requests.length, before, "requests while hidden");
		const { ids } = await seen();
		const back = performance.now();
		await setHidden(false);
		await shown(seen, ids.length + 1);
		assert.ok(relay.requests[before].at - back < 300, "at once");
		assert.ok(!(await seen()).states.includes("delayed"), "coming back is not a delay");
	}),

	...[["frozen by the browser", ["freeze", "resume"]], ["left and come back to", ["pagehide", "pageshow"]]].map(
		([name, [stop, go]]) => scenario(`${name}: no request meanwhile`, { period: 200 }, async ({ relay, page, seen }) => {
			const happen = (type) => page.evaluate((event) =>
				(event.startsWith("page") ? window : document).dispatchEvent(new Event(event)), type);
			await shown(seen, 2);
			await happen(stop);
			await page.waitForTimeout(300);
			const before = relay.requests.length;
			await page.waitForTimeout(700);
			assert.equal(relay.requests.length, before);
			await happen(go);
			const { ids } = await seen();
			await shown(seen, ids.length + 2);
		})),

	scenario("no network: OFFLINE; network again: pictures at once", { period: 200 }, async ({ page, seen }) => {
		await shown(seen, 2);
		await page.context().setOffline(true);
		const { ids } = await inState(seen, "offline", 15000);
		await keep(page, "state-offline");
		await page.context().setOffline(false);
		await shown(seen, ids.length + 2, 2500);
	}),

	scenario("the relay says stale", { period: 200 }, async ({ relay, page, seen }) => {
		await shown(seen, 2);
		const { seq } = relay.newest();
		relay.headers = { "Frame-State": "stale", "Frame-Next": 0 };
		relay.script = (answer, query) => relay.live(answer, query, { seq });
		await inState(seen, "stale");
		await keep(page, "state-stale");
		const before = relay.requests.length;
		await page.waitForTimeout(1500);
		assert.ok(relay.requests.length - before <= 12, "once a period and no more");
		relay.headers = {};
		relay.script = (answer, query) => relay.live(answer, query);
		await inState(seen, "live");
	}),

	scenario("nothing newer comes: DELAYED, with how long", { period: 200 }, async ({ relay, page, seen }) => {
		await shown(seen, 2);
		const { seq } = relay.newest();
		relay.script = (answer, query) => relay.live(answer, query, { seq, headers: { "Frame-Next": 0 } });
		const now = await inState(seen, "delayed");
		assert.ok(now.stats.age >= 2500);
		await keep(page, "state-delayed");
	}),

	scenario("a placeholder is shown as NO SIGNAL", { period: 200 }, async ({ relay, page, seen }) => {
		relay.headers = { "Frame-Placeholder": "1" };
		await inState(seen, "nosignal");
		await keep(page, "state-nosignal");
		relay.headers = {};
		await inState(seen, "live");
	}),

	scenario("keyboard: space and k pause, f fills the screen", { period: 200 }, async ({ relay, page, seen }) => {
		await shown(seen, 2);
		await page.locator("koshien-flipbook .frame").focus();
		for (const key of [" ", "k"]) {
			await page.keyboard.press(key);
			const { ids } = await inState(seen, "paused");
			await page.waitForTimeout(300);
			const before = relay.requests.length;
			await page.waitForTimeout(700);
			assert.equal(relay.requests.length, before, "requests while paused");
			assert.equal((await seen()).ids.length, ids.length);
			await page.keyboard.press(key);
			await shown(seen, ids.length + 2);
		}
		await page.keyboard.press("Control+k");
		assert.equal((await seen()).state, "live", "a browser's shortcut is left alone");
		const full = () => page.evaluate(() => document.querySelector("koshien-flipbook").matches(":fullscreen, [theatre]"));
		await page.keyboard.press("f");
		await until("full screen", 3000, full);
		await page.keyboard.press("f");
		await until("an ordinary page", 3000, async () => !await full());
	}),

	scenario("the button pauses, plays and says which", { period: 200 }, async ({ page, seen }) => {
		await shown(seen, 2);
		await page.getByRole("button", { name: "Pause" }).click();
		await inState(seen, "paused");
		await keep(page, "state-paused");
		await page.getByRole("button", { name: "Play", exact: true }).press(" ");
		await inState(seen, "live");
		await page.getByRole("button", { name: "Pause" }).click();
		await page.getByRole("button", { name: "Show live" }).click();
		await inState(seen, "live");
	}),

	scenario("where nothing can be made full screen the picture covers the page", {}, async ({ page }) => {
		await page.evaluate(() => { Element.prototype.requestFullscreen = undefined; });
		await page.getByRole("button", { name: "Full screen" }).click();
		const box = await page.locator("koshien-flipbook").boundingBox();
		assert.deepEqual(box, { x: 0, y: 0, width: 1280, height: 800 });
		await page.keyboard.press("Escape");
		assert.ok((await page.locator("koshien-flipbook").boundingBox()).y > 0);
	}),

	scenario("reduced motion: one still picture and a button", { period: 200, context: { reducedMotion: "reduce" } },
		async ({ relay, page, seen }) => {
			await shown(seen, 1);
			await page.waitForTimeout(1000);
			const now = await seen();
			assert.deepEqual([now.state, now.ids.length, relay.requests.length], ["paused", 1, 1]);
			await keep(page, "state-reduced-motion");
			await page.getByRole("button", { name: "Show live" }).click();
			await shown(seen, 4);
		}),

	scenario("Japanese and English, chosen and remembered", { context: { locale: "ja-JP" } }, async ({ page, seen }) => {
		const badge = page.locator("koshien-flipbook [part=state]");
		await shown(seen, 1);
		assert.equal(await page.title(), "Koshien — ライブ画像");
		assert.equal(await badge.textContent(), "ライブ");
		assert.ok(await page.getByRole("heading", { name: "しくみ" }).isVisible());
		assert.ok(!await page.getByText("How this works").isVisible());
		await page.getByRole("button", { name: "English" }).click();
		assert.equal(await badge.textContent(), "LIVE");
		assert.ok(await page.getByText("How this works").isVisible());
		await page.reload();
		await shown(seen, 1);
		assert.equal(await page.title(), "Koshien — live pictures");
		assert.equal(await page.locator("html").getAttribute("lang"), "en");
	}),

	scenario("for screen readers: a picture with a name, a state that is announced, an age that is not",
		{ period: 200 }, async ({ page, seen }) => {
			await shown(seen, 2);
			assert.ok(await page.getByRole("img", { name: "Live picture" }).isVisible());
			const live = await page.evaluate(() => [...document.querySelector("koshien-flipbook").shadowRoot
				.querySelectorAll("[aria-live]")].map((node) => node.textContent));
			assert.deepEqual(live, ["LIVE"]);
			for (const button of await page.locator("koshien-flipbook .controls button").all()) {
				const { width, height } = await button.boundingBox();
				assert.ok(width >= 44 && height >= 44);
			}
		}),

	["without JavaScript: a still picture that comes again", async () => {
		const relay = await new Relay(jpegs).listen();
		const context = await browser.newContext({ javaScriptEnabled: false });
		try {
			const page = await context.newPage();
			await page.goto(relay.url);
			assert.ok(await page.getByRole("img", { name: "Live picture" }).isVisible());
			await keep(page, "page-noscript");
			await until("the picture, by itself, again", 9000, () => relay.requests.length >= 2);
			assert.ok(relay.requests.every(({ status }) => status === 200));
		} finally {
			await context.close();
			await relay.die();
		}
	}],

	scenario("500 pictures leave nothing behind", { period: 20 }, async ({ page, seen }) => {
		const session = await page.context().newCDPSession(page);
		const heap = async () => {
			await session.send("HeapProfiler.collectGarbage");
			return (await session.send("Runtime.getHeapUsage")).usedSize;
		};
		await shown(seen, 50, 30000);
		const before = await heap();
		await page.evaluate(() => { window.seen.ids.length = 0; });
		const now = await shown(seen, 500, 60000);
		assert.ok(now.bitmaps - now.closed <= 1, `${now.bitmaps} bitmaps, ${now.closed} closed`);
		assert.equal(now.urls, 0);
		const grown = await heap() - before;
		assert.ok(grown < 1 << 20, `${grown} bytes`);
	}),

	scenario("without createImageBitmap, where the policy allows blob images", {
		path: "/plain.html", period: 200, prepare(relay) {
			relay.csp = relay.csp.replace("img-src 'self'", "img-src 'self' blob:");
			relay.pages.set("/plain.html", plainPage());
			relay.pages.set("/site.js", "");
		},
	}, async ({ page, seen }) => {
		await shown(seen, 1);
		await page.evaluate(() => { window.createImageBitmap = undefined; });
		const { ids, bitmaps } = await seen();
		const now = await shown(seen, ids.length + 3);
		assert.ok(now.bitmaps <= bitmaps + 1, "drawn from images");
		assert.ok(now.urls <= 1, `${now.urls} object URLs left`);
	}),

	scenario("taken out of the document it is quiet; put back it goes on", {
		path: "/plain.html", period: 200, prepare: (relay) => relay.pages.set("/plain.html", plainPage()),
	}, async ({ relay, page, seen }) => {
		await shown(seen, 2);
		await page.evaluate(() => (window.kept = document.querySelector("koshien-flipbook")).remove());
		await page.waitForTimeout(300);
		const before = relay.requests.length;
		await page.waitForTimeout(800);
		assert.equal(relay.requests.length, before);
		await page.evaluate(() => document.body.append(window.kept));
		const { ids } = await seen();
		await shown(seen, ids.length + 2);
	}),

	scenario("src, channel, rendition and label are followed", {
		path: "/plain.html", period: 200, prepare: (relay) => relay.pages.set("/plain.html", plainPage('label="The gate"')),
	}, async ({ relay, page, seen }) => {
		await shown(seen, 2);
		assert.ok(await page.getByRole("img", { name: "The gate" }).isVisible());
		relay.script = (answer, query) => relay.live(answer, query,
			{ body: relay.picture(relay.newest().seq, { channel: "gate", rendition: "low" }) });
		await page.evaluate(() => {
			const flipbook = document.querySelector("koshien-flipbook");
			window.seen.ids.length = 0;
			flipbook.setAttribute("src", "/live/more/");
			flipbook.setAttribute("channel", "gate");
			flipbook.setAttribute("rendition", "low");
		});
		const last = await until("the other channel", 4000, () =>
			relay.requests.find(({ path, status }) => path === "/live/more/gate/low/latest.jpg" && status === 200));
		assert.equal(last.after, null, "another channel has another numbering");
		const { ids } = await seen();
		await shown(seen, ids.length + 2);
	}),

	...[["desktop", {}], ["phone", phone]].flatMap(([size, device]) =>
		[["ja", "ja-JP", "light"], ["en", "en-GB", "dark"]].map(([language, locale, colorScheme]) =>
			scenario(`the page on a ${size} in ${language}, ${colorScheme}`,
				{ period: 200, context: { ...device, locale, colorScheme } }, async ({ page, seen }) => {
					await shown(seen, 4);
					const { wide, shift } = await page.evaluate(() => new Promise((resolve) => {
						let shift = 0;
						new PerformanceObserver((list) => list.getEntries().forEach((entry) => { shift += entry.value; }))
							.observe({ type: "layout-shift", buffered: true });
						setTimeout(() => resolve({ shift, wide: document.documentElement.scrollWidth - innerWidth }), 300);
					}));
					assert.ok(wide <= 0, `${wide} px too wide`);
					assert.ok(shift < .02, `layout shifts by ${shift}`);
					await keep(page, `page-${size}-${language}`);
					await keep(page, `page-${size}-${language}-whole`, { fullPage: true });
				}))),

	scenario("the longest badge fits beside the buttons or above them",
		{ context: { ...phone, viewport: { width: 320, height: 560 } } }, async ({ relay, page, seen }) => {
			await shown(seen, 1);
			relay.script = (answer) => answer(503, {}, "");
			await inState(seen, "reconnecting", 15000);
			const boxes = await Promise.all(["badge", "controls"].map((part) =>
				page.locator(`koshien-flipbook [part=${part}]`).boundingBox()));
			const [badge, controls] = boxes;
			assert.ok(boxes.every(({ x, width }) => x >= 0 && x + width <= 320));
			assert.ok(badge.x + badge.width <= controls.x || badge.y + badge.height <= controls.y);
			await keep(page, "state-reconnecting-phone");
		}),

	scenario("the page to embed is nothing but the picture",
		{ path: "/embed.html", context: { viewport: { width: 480, height: 270 } } }, async ({ page, seen }) => {
			await shown(seen, 1);
			assert.deepEqual(await page.locator("koshien-flipbook").boundingBox(), { x: 0, y: 0, width: 480, height: 270 });
			await keep(page, "page-embed");
		}),
], 600000);
await browser.close();
