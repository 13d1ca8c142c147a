/* SPDX-License-Identifier: Apache-2.0
 *
 * What the flipbook decides, without a browser: which bytes are a picture, which of two is newer, when to
 * ask again, what to say about it. Everything here is a pure function of its arguments, so that it can be
 * tested with any input at any pace. Times are milliseconds of performance.now(): the viewer's wall clock
 * is never looked at, because it is often wrong.
 */

export const PICTURE_MAX = 2 * 1024 * 1024;	/* bytes; capture refuses to make larger ones */
export const PERIOD_DEFAULT = 1000;
export const BACKOFF_BASE = 500;
export const BACKOFF_CAP = 15000;
const STAMP_MAX = 160;		/* bytes of the whole COM segment */
const RETRY_AFTER_MAX = 300000;	/* a wrong header must not switch a viewer off for the whole match */
const UNREACHABLE_AFTER = 30000;

const STAMP = new RegExp("^koshien frame=(\\d{1,10}-\\d{1,10}) captured=(0|[1-9]\\d{0,16})" +
	" channel=([a-z0-9][a-z0-9-]{0,23}) rendition=([a-z0-9][a-z0-9-]{0,7})$");

/* "<epoch>-<seq>" or null. Every id has one spelling: no leading zeros, nothing above 2^32-1. */
export function parseId(text) {
	const match = /^(0|[1-9]\d{0,9})-(0|[1-9]\d{0,9})$/.exec(text ?? "");
	if (!match)
		return null;
	const epoch = Number(match[1]), seq = Number(match[2]);
	return epoch > 0xffffffff || seq > 0xffffffff ? null : { epoch, seq, text };
}

/* True when a picture with id a may follow the one with id b (null: nothing shown yet) on the screen. */
export function isNewer(a, b) {
	return !b || (a.epoch !== b.epoch ? a.epoch > b.epoch : a.seq > b.seq);
}

/* The stamp of a picture: { id, captured_us, channel, rendition }, or null if the segment right after SOI
 * is not one. Any bytes may come in. */
export function readStamp(bytes) {
	if (bytes.length < 6 || bytes[0] !== 0xff || bytes[1] !== 0xd8 || bytes[2] !== 0xff || bytes[3] !== 0xfe)
		return null;
	const end = 4 + bytes[4] * 256 + bytes[5];
	if (end <= 6 || end > 2 + STAMP_MAX || bytes[end] !== 0xff)	/* where the next marker must be */
		return null;
	const match = STAMP.exec(String.fromCharCode(...bytes.subarray(6, end)));
	const id = match && parseId(match[1]);
	return id ? { id, captured_us: Number(match[2]), channel: match[3], rendition: match[4] } : null;
}

/* The stamp of a whole, sound picture that is what the answer's headers said, or the reason against it:
 * { stamp } or { fault: "length" | "soi" | "eoi" | "stamp" | "id" | "channel" }. */
export function checkPicture(bytes, { length, id, channel }) {
	const n = bytes.length;
	if (n !== length || n > PICTURE_MAX)
		return { fault: "length" };
	if (n < 4 || bytes[0] !== 0xff || bytes[1] !== 0xd8)
		return { fault: "soi" };
	if (bytes[n - 2] !== 0xff || bytes[n - 1] !== 0xd9)
		return { fault: "eoi" };
	const stamp = readStamp(bytes);
	if (!stamp)
		return { fault: "stamp" };
	if (stamp.id.text !== id)
		return { fault: "id" };
	return stamp.channel === channel ? { stamp } : { fault: "channel" };
}

/* A header that must be a plain whole number, else null. */
export function whole(text) {
	return /^\d{1,15}$/.test(text ?? "") ? Number(text) : null;
}

/* What the headers of an answer say. `get` is Headers.get; whatever is absent or nonsense is null, and
 * an age that is not said counts from the receipt. */
export function readHeaders(get) {
	const period = whole(get("Frame-Period"));
	const age = whole(get("Frame-Age"));
	return {
		id: get("Frame-Id"),
		length: whole(get("Content-Length")),
		/* A shared cache on the way adds its own holding time as Age, in seconds. */
		age: (age ?? 0) + 1000 * (whole(get("Age")) ?? 0),
		period: period === null ? null : Math.min(60000, Math.max(20, period)),
		next: whole(get("Frame-Next")),
		state: get("Frame-State"),
		placeholder: get("Frame-Placeholder") === "1",
		served: get("Served-By"),
	};
}

/* Age of the picture now: what the server said, half the way there and back, and the time since. */
export function ageNow({ age, rtt, received }, now) {
	return age + rtt / 2 + (now - received);
}

export function requestTimeout(period) {
	return Math.max(3000, 3 * period);
}

/* Milliseconds from the receipt of an answer's headers to the next request. `next` is how long after the
 * answer was sent the next frame is due (null: not said); `empty` counts the answers in a row without a
 * picture. A request must not reach the server before the frame does, and the audience must not reach it
 * in one instant: hence a small guard and a random place in a window. */
export function nextRequest({ next, period, rtt, empty, random }) {
	const window = Math.min(period / 8, 120);
	const early = Math.min(rtt, period / 2);
	/* Overdue: soon at first, then once a period, also when the server should promise otherwise. */
	const overdue = Math.max(10, period / 8 * 2 ** Math.min(empty, 3));
	if (next !== null && next > 0 && next <= 2 * period)
		return Math.max(empty > 1 ? overdue : 10, next - early) + period / 50 + random * window;
	if (next === 0 || empty > 0)
		return overdue + random * window;
	return Math.max(10, period - early) + random * window;
}

/* Full jitter: any time up to a ceiling that doubles with each failure in a row. */
export function backoff(failures, random) {
	return random * Math.min(BACKOFF_CAP, BACKOFF_BASE * 2 ** Math.min(failures, 16));
}

/* Retry-After as milliseconds, or null. A date is taken against the answer's own Date. */
export function retryAfter(text, date) {
	const seconds = whole(text);
	const ms = seconds !== null ? 1000 * seconds : Date.parse(text ?? "") - Date.parse(date ?? "");
	return Number.isFinite(ms) ? Math.min(RETRY_AFTER_MAX, Math.max(0, ms)) : null;
}

/* Milliseconds until the next try after a failure that followed `failures` others. status is 0 if there was
 * no answer; `after` what Retry-After asked for, or null. */
export function retryDelay({ failures, status, after, random }) {
	const refused = status >= 400 && status < 500 && status !== 404 && status !== 408 && status !== 429;
	/* Refused for good, as far as the server knows: a retry is unlikely to help, so be rare. */
	const delay = refused ? BACKOFF_CAP * (1 + random) : backoff(failures, random);
	/* Everybody was given the same Retry-After at the same moment: spread what comes back. */
	return after === null ? delay : Math.max(delay, after + random * BACKOFF_BASE);
}

/* The word for what the viewer sees. `age` is null before the first picture; `waking` is true from the
 * start or resumption of fetching to its first answer. */
export function stateOf({ paused, waking, online, failures, failing_ms, age, period, state, placeholder }) {
	const late = age !== null && age > Math.max(3 * period, 2500);
	if (paused)
		return "paused";
	/* One lost answer is not worth a word as long as the picture is young. */
	if (failures > 1 || (failures === 1 && (late || age === null)))
		return !online || failing_ms > UNREACHABLE_AFTER ? "offline" : "reconnecting";
	if (age === null || (waking && late))
		return "connecting";
	if (placeholder)
		return "nosignal";
	if (state === "stale")
		return "stale";
	return late ? "delayed" : "live";
}
