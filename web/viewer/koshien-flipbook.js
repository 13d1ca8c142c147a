/* SPDX-License-Identifier: Apache-2.0
 *
 * <koshien-flipbook src="/live" channel="main" rendition="std" lang="auto">: live pictures, one fetch each.
 *
 * A picture reaches the screen only whole, checked, decoded and newer than the one before; until then the
 * last good one stays. Nothing is built from strings, so that the strictest Content-Security-Policy will do.
 */
import { Face } from "./face.js";
import * as logic from "./logic.js";
import { duration, pickLanguage, wordsOf } from "./words.js";

const TICK = 250;	/* ms between two looks at the age */

/* True after ms; false as soon as the signal says to stop. */
function sleep(ms, signal) {
	return new Promise((resolve) => {
		if (signal.aborted)
			return resolve(false);
		const stop = () => {
			clearTimeout(timer);
			resolve(false);
		};
		const timer = setTimeout(() => {
			signal.removeEventListener("abort", stop);
			resolve(true);
		}, ms);
		signal.addEventListener("abort", stop, { once: true });
	});
}

/* Something that can be drawn. Where createImageBitmap is missing, the page must allow `img-src blob:`. */
async function decode(blob) {
	if (globalThis.createImageBitmap)
		return createImageBitmap(blob);
	const image = new Image();
	image.src = URL.createObjectURL(blob);
	try {
		await image.decode();
		return image;
	} finally {
		URL.revokeObjectURL(image.src);
	}
}

/* A try that brought no picture. `refused`: one came, and was not fit to be shown. */
class Failure extends Error {
	constructor(reason, { status = 0, after = null, refused = false }) {
		super(reason);
		Object.assign(this, { status, after, refused });
	}
}

export class KoshienFlipbook extends HTMLElement {
	static observedAttributes = ["src", "channel", "rendition", "lang", "label"];

	#face = new Face(this.attachShadow({ mode: "open" }), (what) => this.#press(what));
	#words = wordsOf("en");
	#paused = false;
	#still = false;		/* paused from the start: one picture is fetched all the same */
	#frozen = false;
	#run = null;		/* AbortController of the fetching loop while it runs */
	#listening = null;	/* AbortController of the listeners while in a document */
	#ticker = 0;
	#drawing = 0;
	#pending = null;	/* decoded, waiting for the next animation frame */
	#shown = null;		/* what is on the screen, without its pixels */
	#newest = null;		/* id of the newest picture that passed all checks */
	#state = "";
	#waking = true;
	#failures = 0;		/* in a row */
	#failing = 0;		/* since when */
	#empty = 0;		/* answers in a row that had nothing newer */
	#period = logic.PERIOD_DEFAULT;
	#source = "live";	/* the last Frame-State */
	#counts = { shown: 0, refused: 0, older: 0, repeated: 0, errors: 0 };

	get paused() {
		return this.#paused;
	}

	get state() {
		return this.#state;
	}

	get stats() {
		const { id = null, served = null } = this.#shown ?? {};
		return { ...this.#counts, id, age: this.#age(), served };
	}

	play() {
		this.#setPaused(false);
	}

	pause() {
		this.#setPaused(true);
	}

	/* Where an element cannot be made full screen (iPhone), it covers the page instead. */
	async toggleFullscreen() {
		if (this.matches(":fullscreen")) {
			await document.exitFullscreen();
		} else if (this.hasAttribute("theatre")) {
			this.removeAttribute("theatre");
		} else {
			try {
				await this.requestFullscreen();
			} catch {
				this.setAttribute("theatre", "");
			}
		}
		this.#name();
	}

	connectedCallback() {
		const { signal } = this.#listening = new AbortController();
		const on = (target, type, listener) => target.addEventListener(type, listener, { signal });
		const freeze = (frozen) => () => {
			this.#frozen = frozen;
			this.#update();
		};
		on(document, "visibilitychange", freeze(false));
		on(document, "freeze", freeze(true));
		on(document, "resume", freeze(false));
		on(window, "pagehide", freeze(true));
		on(window, "pageshow", freeze(false));
		on(window, "offline", () => this.#refresh());
		on(window, "online", () => this.#restart());
		on(this, "fullscreenchange", () => this.#name());
		if (!this.#shown && matchMedia("(prefers-reduced-motion: reduce)").matches)
			this.#paused = this.#still = true;
		this.#name();
		this.#update();
	}

	disconnectedCallback() {
		this.#listening.abort();
		this.#listening = null;
		this.#drop();
		this.#update();
	}

	attributeChangedCallback(name, before, now) {
		/* Before the first connection everything is still to be read; see connectedCallback. */
		if (before === now || (!this.#listening && !this.#newest))
			return;
		if (name === "lang" || name === "label") {
			this.#name();
			return;
		}
		if (name === "channel") {	/* another channel, another numbering */
			this.#drop();
			this.#shown = this.#newest = null;
			this.#period = logic.PERIOD_DEFAULT;
			this.#source = "live";
		}
		this.#restart();
	}

	#press(what) {
		if (what === "full")
			this.toggleFullscreen();
		else if (what === "pause")
			this.#setPaused(!this.#paused);
		else if (this.hasAttribute("theatre"))
			this.toggleFullscreen();
	}

	#setPaused(paused) {
		this.#paused = paused;
		this.#still = false;
		this.#name();
		this.#update();
	}

	/* Puts everything that has words into the language that holds now. */
	#name() {
		const language = pickLanguage(this.getAttribute("lang"), navigator.languages);
		this.#words = wordsOf(language);
		this.#face.name(this.#words, language, this.getAttribute("label"));
		this.#face.buttons({ paused: this.#paused, full: this.matches(":fullscreen, [theatre]") });
		this.#refresh();
	}

	/* Starts or stops fetching and ticking, as connection, visibility and the viewer's wish have it. */
	#update() {
		const visible = this.#listening !== null && !document.hidden && !this.#frozen;
		const wanted = visible && (!this.#paused || (this.#still && !this.#newest));
		clearInterval(this.#ticker);
		this.#ticker = visible ? setInterval(() => this.#refresh(), TICK) : 0;
		if (wanted && !this.#run)
			this.#start();
		else if (!wanted)
			this.#stop();
		this.#refresh();
	}

	#start() {
		const age = this.#age();
		/* Whoever comes back to an old picture waits for nothing. Behind a young one there is time to
		 * keep an audience that looks up at one moment from asking at one moment. */
		const delay = age !== null && age < this.#period ? Math.random() * Math.min(500, this.#period / 2) : 0;
		this.#run = new AbortController();
		this.#waking = true;
		this.#failures = 0;
		this.#loop(this.#run.signal, delay);
	}

	#stop() {
		this.#run?.abort();
		this.#run = null;
	}

	#restart() {
		this.#stop();
		this.#update();
	}

	async #loop(signal, delay) {
		while (await sleep(delay, signal)) {
			delay = await this.#attempt(signal);
			if (!signal.aborted && this.#paused)
				this.#update();	/* the one picture of a paused start is there */
		}
	}

	/* One request and all that follows from it; returns the time until the next. */
	async #attempt(signal) {
		const limit = new AbortController();
		const cancel = () => limit.abort();
		const timeout = setTimeout(cancel, logic.requestTimeout(this.#period));
		signal.addEventListener("abort", cancel);
		try {
			const heard = await this.#fetch(limit.signal, signal);
			this.#waking = false;
			this.#failures = 0;
			return logic.nextRequest({ ...heard, period: this.#period, empty: this.#empty, random: Math.random() }) -
				(performance.now() - heard.received);
		} catch (error) {
			return signal.aborted ? 0 : this.#fail(error, limit.signal.aborted);
		} finally {
			clearTimeout(timeout);
			signal.removeEventListener("abort", cancel);
			if (!signal.aborted)
				this.#refresh();
		}
	}

	#fail(error, timedOut) {
		const { status = 0, after = null, refused = false } = error;
		const reason = timedOut ? "timeout" : error instanceof Failure ? error.message : "network";
		this.#counts[refused && !timedOut ? "refused" : "errors"]++;
		this.#waking = false;
		if (this.#failures === 0)
			this.#failing = performance.now();
		const delay = logic.retryDelay({ failures: this.#failures++, status, after, random: Math.random() });
		this.#emit("error", { reason, status, retry: Math.round(delay) });
		return delay;
	}

	#url() {
		const part = (name, fallback) => encodeURIComponent(this.getAttribute(name) || fallback);
		const base = (this.getAttribute("src") || "/live").replace(/\/+$/, "");
		const after = this.#newest ? `?after=${this.#newest.text}` : "";
		return `${base}/${part("channel", "main")}/${part("rendition", "std")}/latest.jpg${after}`;
	}

	async #fetch(signal, run) {
		const asked = performance.now();
		/* no-store: a thousand pictures that are looked at once have no place in anybody's disk cache. */
		const response = await fetch(this.#url(), { signal, cache: "no-store" });
		const received = performance.now();
		const said = logic.readHeaders((name) => response.headers.get(name));
		const heard = { ...said, received, rtt: received - asked };
		if (response.status !== 200 && response.status !== 204) {
			const after = logic.retryAfter(response.headers.get("Retry-After"), response.headers.get("Date"));
			response.body?.cancel();
			throw new Failure("status", { status: response.status, after });
		}
		const picture = response.status === 200 ? await this.#read(response, heard) : null;
		if (run.aborted)
			picture?.image.close?.();
		run.throwIfAborted();
		this.#period = said.period ?? this.#period;
		this.#source = said.state ?? this.#source;
		this.#empty = picture ? 0 : this.#empty + 1;
		if (picture)
			this.#offer(picture);
		return heard;
	}

	/* The decoded picture, or null if it is whole but not newer than what was accepted before. */
	async #read(response, heard) {
		if (heard.length === null || heard.length > logic.PICTURE_MAX) {
			response.body?.cancel();
			throw new Failure("length", { refused: true });
		}
		const bytes = await response.arrayBuffer().catch(() => {
			throw new Failure("cut", { refused: true });
		});
		const channel = this.getAttribute("channel") || "main";
		const { fault, stamp } = logic.checkPicture(new Uint8Array(bytes), { ...heard, channel });
		if (fault)
			throw new Failure(fault, { refused: true });
		if (!logic.isNewer(stamp.id, this.#newest)) {
			this.#counts[logic.isNewer(this.#newest, stamp.id) ? "older" : "repeated"]++;
			return null;
		}
		const image = await decode(new Blob([bytes], { type: "image/jpeg" })).catch(() => {
			throw new Failure("decode", { refused: true });
		});
		return { ...heard, image, id: stamp.id, bytes: bytes.byteLength };
	}

	/* Hands a picture to the next animation frame; one that is still waiting there gives way. */
	#offer(picture) {
		this.#drop();
		this.#newest = picture.id;
		this.#pending = picture;
		this.#drawing = requestAnimationFrame(() => this.#draw());
	}

	#drop() {
		cancelAnimationFrame(this.#drawing);
		this.#pending?.image.close?.();
		this.#pending = null;
	}

	#draw() {
		const { image, ...picture } = this.#pending;
		const size = this.#face.draw(image);
		this.#drop();
		this.#shown = { ...picture, id: picture.id.text, ...size };
		this.#counts.shown++;
		this.#refresh();
		const { id, bytes, served } = this.#shown;
		this.#emit("frame", { id, age: this.#age(), relay: served, bytes, ...size });
	}

	#age() {
		const shown = this.#shown;
		return shown === null ? null : logic.ageNow(shown, performance.now());
	}

	#refresh() {
		const now = performance.now();
		const age = this.#age();
		const state = logic.stateOf({
			paused: this.#paused, waking: this.#waking, online: navigator.onLine, age, period: this.#period,
			failures: this.#failures, failing_ms: now - this.#failing, state: this.#source,
			placeholder: this.#shown?.placeholder,
		});
		const text = age === null ? "" : duration(age, this.#words);
		this.#face.say(state, state === "delayed" || !text ? text : this.#words.ago(text));
		if (state === this.#state)
			return;
		const previous = this.#state;
		this.#state = state;
		this.setAttribute("state", state);
		this.#emit("statechange", { state, previous });
	}

	#emit(type, detail) {
		this.dispatchEvent(new CustomEvent(type, { detail }));
	}
}

if (!customElements.get("koshien-flipbook"))
	customElements.define("koshien-flipbook", KoshienFlipbook);
