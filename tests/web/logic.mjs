/* SPDX-License-Identifier: Apache-2.0
 *
 * The flipbook's decisions, without a browser.
 */
import assert from "node:assert/strict";
import * as logic from "../../web/viewer/logic.js";
import { duration, pickLanguage, wordsOf } from "../../web/viewer/words.js";
import { suite } from "../browser/tap.mjs";
import { TINY, stamped, stampText, withComment } from "../browser/picture.mjs";

const stamp = { id: "1763712000-42", captured: 1763712042123456, channel: "main", rendition: "std" };
const good = stamped(TINY, stamp);
const headers = { length: good.length, id: stamp.id, channel: "main" };
const id = (text) => logic.parseId(text);
const fault = (bytes, change = {}) => logic.checkPicture(bytes, { ...headers, length: bytes.length, ...change }).fault;

/* Numbers that look random and are the same in every run. */
function* dice(seed = 1) {
	for (let state = seed; ;) {
		state = Math.imul(state, 1664525) + 1013904223 >>> 0;
		yield state / 2 ** 32;
	}
}

await suite([
	["an id has one spelling", () => {
		assert.deepEqual(id("0-0"), { epoch: 0, seq: 0, text: "0-0" });
		assert.deepEqual(id("4294967295-4294967295"), { epoch: 0xffffffff, seq: 0xffffffff, text: "4294967295-4294967295" });
		for (const wrong of [null, undefined, "", "-", "1", "1-", "-1", "01-1", "1-01", "+1-1", "1--1", " 1-1", "1-1 ",
			"1-1\n", "4294967296-0", "0-4294967296", "99999999999-0", "1e3-1", "0x1-1", "１-１"])
			assert.equal(id(wrong), null, String(wrong));
	}],
	["newer goes by epoch, then by seq, over the whole range", () => {
		const order = ["0-0", "0-4294967295", "1-0", "1-9", "1-10", "4294967294-7", "4294967295-0", "4294967295-4294967295"];
		for (const [i, a] of order.entries())
			for (const [j, b] of order.entries())
				assert.equal(logic.isNewer(id(a), id(b)), i > j, `${a} after ${b}`);
		assert.ok(logic.isNewer(id("0-0"), null));
	}],
	["a stamped picture is taken, and its stamp is read", () => {
		const { stamp: read } = logic.checkPicture(good, headers);
		assert.deepEqual(read, { id: id(stamp.id), captured_us: stamp.captured, channel: "main", rendition: "std" });
	}],
	["cut at every byte it is refused", () => {
		for (let n = 0; n < good.length; n++) {
			const cut = good.subarray(0, n);
			assert.equal(fault(cut, { length: good.length }), "length", `${n} bytes`);
			assert.ok(fault(cut), `${n} bytes and a length that agrees`);
			logic.readStamp(cut);
		}
	}],
	["bytes after the end marker, or missing in front, are refused", () => {
		assert.equal(fault(Buffer.concat([good, Buffer.of(0)])), "eoi");
		assert.equal(fault(Buffer.concat([good, good]), { length: good.length }), "length");
		assert.equal(fault(good.subarray(1)), "soi");
	}],
	["a length that was not said is no length", () => {
		assert.equal(fault(good, { length: null }), "length");
		assert.equal(fault(good, { length: good.length + 1 }), "length");
	}],
	["a picture of another id or channel than the answer's is refused", () => {
		assert.equal(fault(good, { id: "1763712000-43" }), "id");
		assert.equal(fault(good, { id: null }), "id");
		assert.equal(fault(good, { channel: "other" }), "channel");
	}],
	["a picture above the limit is refused", () => {
		const huge = Buffer.alloc(logic.PICTURE_MAX + 1);
		good.copy(huge);
		huge.writeUInt16BE(0xffd9, huge.length - 2);
		assert.equal(fault(huge), "length");
	}],
	["what is not quite a stamp is none", () => {
		const text = stampText(stamp);
		for (const wrong of ["", "koshien", text + " ", " " + text, text + "\0", text.replace("koshien", "Koshien"),
			text.replace("1763712000-", "01763712000-"), text.replace("-42", "-4294967296"), text.replace("main", "Main"),
			text.replace("main", "m".repeat(25)), text.replace("main", ""), text.replace("=std", "=standards"),
			text.replace("captured=", "captured=-"), text.replace("captured=", "captured=0"), text.replace(" ", "\t"),
			text.replace("std", "s\u00fcd"), "x".repeat(200), text + " ".repeat(100)])
			assert.equal(logic.readStamp(withComment(TINY, wrong)), null, JSON.stringify(wrong));
		assert.equal(fault(TINY), "stamp");
		assert.equal(fault(withComment(TINY, "another comment")), "stamp");
	}],
	["a segment length that lies is survived", () => {
		for (const length of [0, 1, 2, 3, good.readUInt16BE(4) - 1, good.readUInt16BE(4) + 1, 160, 161, 0xffff]) {
			const liar = Buffer.from(good);
			liar.writeUInt16BE(length, 4);
			assert.equal(logic.readStamp(liar), null, String(length));
		}
	}],
	["any byte may be anything", () => {
		const random = dice();
		for (let round = 0; round < 20000; round++) {
			const bytes = Buffer.from(good.subarray(0, 4 + Math.floor(random.next().value * (good.length - 4))));
			for (let flips = 0; flips < 4; flips++)
				bytes[Math.floor(random.next().value * bytes.length)] = Math.floor(random.next().value * 256);
			const read = logic.readStamp(bytes);
			assert.ok(read === null || logic.parseId(read.id.text));
		}
	}],
	["headers: nonsense is null, limits hold, a cache's Age is added", () => {
		const read = (map) => logic.readHeaders((name) => map[name] ?? null);
		assert.deepEqual(read({}), { id: null, length: null, age: 0, period: null, next: null, state: null,
			placeholder: false, served: null });
		const full = read({ "Frame-Id": "1-2", "Content-Length": "25600", "Frame-Age": "120", Age: "2", "Frame-Next": "880",
			"Frame-Period": "1000", "Frame-State": "live", "Frame-Placeholder": "1", "Served-By": "relay-a" });
		assert.deepEqual(full, { id: "1-2", length: 25600, age: 2120, period: 1000, next: 880, state: "live",
			placeholder: true, served: "relay-a" });
		for (const wrong of ["-1", "1.5", "1e3", "0x10", " ", "NaN", "9".repeat(16), "1, 2"])
			assert.equal(read({ "Frame-Next": wrong }).next, null, wrong);
		assert.equal(read({ "Frame-Period": "0" }).period, 20);
		assert.equal(read({ "Frame-Period": "999999999" }).period, 60000);
	}],
	["the age is the server's, half the way there and back, and the time since", () => {
		assert.equal(logic.ageNow({ age: 120, rtt: 60, received: 5000 }, 5250), 400);
	}],
	["the next request reaches the server after the frame, and soon after", () => {
		const at = (change) => logic.nextRequest({ next: 800, period: 1000, rtt: 40, empty: 0, random: 0, ...change });
		for (const rtt of [0, 10, 40, 200, 400])
			for (const random of [0, .5, .999]) {
				const arrival = at({ rtt, random }) + rtt;
				assert.ok(arrival > 800 && arrival < 800 + 20 + 120 + 1, `${rtt} ${random} ${arrival}`);
			}
		assert.ok(at({ next: 5, rtt: 400 }) >= 10, "never at once");
		assert.ok(at({ next: null }) >= 900 && at({ next: null }) <= 1100, "without a hint once a period");
		assert.ok(at({ next: 0 }) <= 250 && at({ next: 0, empty: 1 }) <= 250, "overdue: soon");
		assert.ok(at({ next: 0, empty: 9 }) >= 1000 && at({ next: 1, empty: 9 }) >= 1000, "long overdue: once a period");
		assert.ok(at({ next: 1e9 }) <= 1200, "a promise for next week is no promise");
	}],
	["no answers whatever make a viewer ask in a rush", () => {
		const random = dice(7);
		const roll = () => random.next().value;
		for (let round = 0; round < 2000; round++) {
			const period = 20 + roll() * 2000;
			let elapsed = 0;
			for (let empty = 1; empty <= 40; empty++)
				elapsed += logic.nextRequest({ next: [null, 0, 1, Math.floor(roll() * 4 * period)][empty % 4], period,
					rtt: roll() * 500, empty, random: roll() });
			assert.ok(elapsed > 15 * period, `${elapsed} ${period}`);
		}
	}],
	["a request may take three periods, and three seconds at least", () => {
		assert.equal(logic.requestTimeout(100), 3000);
		assert.equal(logic.requestTimeout(5000), 15000);
	}],
	["backoff: full jitter under a ceiling that doubles up to 15 s", () => {
		for (const [failures, ceiling] of [[0, 500], [1, 1000], [3, 4000], [5, 15000], [1000, 15000]]) {
			assert.equal(logic.backoff(failures, 0), 0);
			assert.equal(logic.backoff(failures, 1), ceiling);
		}
	}],
	["Retry-After: seconds, a date against the answer's own date, and limits", () => {
		const date = "Fri, 21 Nov 2025 08:00:00 GMT";
		assert.equal(logic.retryAfter("3", date), 3000);
		assert.equal(logic.retryAfter("Fri, 21 Nov 2025 08:00:10 GMT", date), 10000);
		assert.equal(logic.retryAfter("Fri, 21 Nov 2025 07:00:00 GMT", date), 0);
		assert.equal(logic.retryAfter("86400", date), 300000);
		for (const none of [null, "", "soon", "-1", "Fri, 21 Nov 2025 08:00:10 GMT"])
			assert.equal(logic.retryAfter(none, null), null);
	}],
	["a retry honours Retry-After and is rare when refused for good", () => {
		const delay = (change) => logic.retryDelay({ failures: 1, status: 503, after: null, random: .5, ...change });
		assert.equal(delay({}), 500);
		assert.ok(delay({ after: 3000 }) >= 3000 && delay({ after: 3000 }) <= 3500);
		for (const status of [400, 401, 403, 405, 410])
			assert.ok(delay({ status }) >= logic.BACKOFF_CAP, String(status));
		for (const status of [0, 404, 408, 429, 500, 502, 503, 504])
			assert.ok(delay({ status }) <= 1000, String(status));
	}],
	["each state has its occasion", () => {
		const state = (change) => logic.stateOf({ paused: false, waking: false, online: true, failures: 0, failing_ms: 0,
			age: 700, period: 1000, state: "live", placeholder: false, ...change });
		assert.equal(state({}), "live");
		assert.equal(state({ state: "drain" }), "live");
		assert.equal(state({ age: null }), "connecting");
		assert.equal(state({ age: 60000, waking: true }), "connecting");
		assert.equal(state({ age: 700, waking: true }), "live");
		assert.equal(state({ age: 3001 }), "delayed");
		assert.equal(state({ age: 1200, period: 100 }), "live");
		assert.equal(state({ age: 9000, state: "stale" }), "stale");
		assert.equal(state({ placeholder: true }), "nosignal");
		assert.equal(state({ failures: 1 }), "live");
		assert.equal(state({ failures: 1, age: 4000 }), "reconnecting");
		assert.equal(state({ failures: 2 }), "reconnecting");
		assert.equal(state({ failures: 2, online: false }), "offline");
		assert.equal(state({ failures: 9, failing_ms: 31000 }), "offline");
		assert.equal(state({ failures: 9, paused: true }), "paused");
	}],
	["languages: the one asked for, else the visitor's first that is spoken here", () => {
		assert.equal(pickLanguage("ja", ["en-US"]), "ja");
		assert.equal(pickLanguage("auto", ["fr-FR", "ja-JP", "en"]), "ja");
		assert.equal(pickLanguage(null, ["fr", "EN-gb"]), "en");
		assert.equal(pickLanguage("constructor", ["__proto__", "toString"]), "en");
		assert.equal(pickLanguage(null, []), "en");
	}],
	["both languages have the same words", () => {
		assert.deepEqual(Object.keys(wordsOf("ja")).sort(), Object.keys(wordsOf("en")).sort());
	}],
	["durations are as exact as a person can use", () => {
		const text = (ms) => duration(ms, wordsOf("en"));
		assert.deepEqual([-5, 0, 840, 12345, 99999, 185000, 7200000].map(text),
			["0.0 s", "0.0 s", "0.8 s", "12 s", "99 s", "3 min", "2 h"]);
	}],
], 60000);
