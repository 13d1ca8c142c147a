/* SPDX-License-Identifier: Apache-2.0
 *
 * The flipbook's face: the shadow tree with the picture, the badge that says how live it is, the buttons.
 * It shows what it is told to and knows nothing of the network.
 */
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
	:host { display: block; position: relative; aspect-ratio: 16 / 9; background: #0a0d0b; overflow: hidden;
		color: #fff; font: 600 14px/1.2 system-ui, "Hiragino Sans", "Noto Sans JP", "Noto Sans CJK JP",
		"Yu Gothic UI", Meiryo, sans-serif; }
	:host([hidden]) { display: none; }
	/* What a page says about its element must not hold while it fills the screen. */
	:host(:is(:fullscreen, [theatre])) { width: auto !important; height: auto !important; margin: 0 !important;
		max-width: none !important; max-height: none !important; aspect-ratio: auto !important;
		border-radius: 0 !important; }
	:host([theatre]) { position: fixed !important; inset: 0 !important; z-index: 2147483647 !important; }
	:host(:fullscreen) { width: 100% !important; height: 100% !important; }
	.frame { position: absolute; inset: 0; outline: none; border-radius: inherit; }
	.frame:focus-visible::after { content: ""; position: absolute; inset: 0; pointer-events: none;
		border: 3px solid #ffd166; border-radius: inherit; box-shadow: inset 0 0 0 2px #000; }
	canvas { display: block; width: 100%; height: 100%; object-fit: contain; }
	svg { width: 1.25em; height: 1.25em; flex: none; fill: none; stroke: currentColor; stroke-width: 2.4;
		stroke-linecap: round; stroke-linejoin: round; }
	/* All in one row at the bottom: broadcasters put the score at the top. */
	.bar { position: absolute; right: 12px; bottom: 12px; left: 12px; display: flex; flex-wrap: wrap;
		align-items: center; justify-content: space-between; gap: 8px; pointer-events: none; }
	.badge { display: flex; align-items: center; gap: 8px; min-height: 36px; padding: 0 14px 0 11px;
		border-radius: 18px; background: rgb(8 12 10 / .78);
		letter-spacing: .02em; white-space: nowrap; box-sizing: border-box; }
	.badge svg { color: var(--tone); }
	.age { font-weight: 400; font-variant-numeric: tabular-nums; opacity: .92; }
	.age:empty { display: none; }
	.frame { --tone: #fff; }
	.frame[data-state=live] { --tone: #ff5d55; }
	.frame[data-state=live] .badge svg { fill: currentColor; }
	.frame[data-state=delayed], .frame[data-state=nosignal] { --tone: #ffc94d; }
	.frame[data-state=stale] { --tone: #7fd0ff; }
	.frame[data-state=reconnecting], .frame[data-state=connecting] { --tone: #b9e4c9; }
	.frame[data-state=offline] { --tone: #ff9d94; }
	.frame:not([data-state=live]) .badge { background: rgb(8 12 10 / .9);
		box-shadow: inset 0 0 0 1px var(--tone); }
	.controls { display: flex; gap: 8px; margin-left: auto; pointer-events: auto; }
	button { display: flex; align-items: center; justify-content: center; gap: 10px; min-width: 44px;
		min-height: 44px; padding: 0; border: 0; border-radius: 22px; background: rgb(8 12 10 / .72);
		color: inherit; font: inherit; cursor: pointer; }
	button:hover { background: rgb(8 12 10 / .95); }
	button:focus-visible { outline: 3px solid #ffd166; outline-offset: 2px; }
	.controls svg { width: 22px; height: 22px; }
	.show { position: absolute; top: 50%; left: 50%; transform: translate(-50%, -50%); min-height: 56px;
		padding: 0 28px 0 22px; border-radius: 28px; background: #fff; color: #10231a; font-size: 17px;
		white-space: nowrap; box-shadow: 0 4px 24px rgb(0 0 0 / .4); }
	.show:hover { background: #ffe9a8; }
	.show svg, .play svg { fill: currentColor; }
	.frame:not([data-state=paused]) .show { display: none; }
	@media (prefers-reduced-motion: no-preference) {
		.frame[data-state=reconnecting] .badge svg { animation: turn 1.2s linear infinite; }
		@keyframes turn { to { transform: rotate(1turn); } }
	}
	@media (forced-colors: active) { .badge, button { border: 1px solid; } }
`);

const CIRCLE = "M12 5a7 7 0 1 1 0 14a7 7 0 1 1 0-14z";
const ICONS = {
	connecting: "M5 12h.01M12 12h.01M19 12h.01",
	live: CIRCLE,
	delayed: "M12 3.5a8.5 8.5 0 1 1 0 17a8.5 8.5 0 1 1 0-17zM12 7.5V12l3 2",
	stale: "M12 3v18M4.2 7.5l15.6 9M19.8 7.5l-15.6 9",
	nosignal: "M12 3.5L21.5 20h-19ZM12 10v4M12 17v.01",
	reconnecting: "M20 12a8 8 0 1 1-2.4-5.7L20 8.6M20 3.5v5.1h-5.1",
	offline: "M12 3.5a8.5 8.5 0 1 1 0 17a8.5 8.5 0 1 1 0-17zM6 6l12 12",
	paused: "M8.5 6v12M15.5 6v12",
	play: "M8 5.5l10.5 6.5L8 18.5Z",
	full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
	leave: "M9 4v5H4M20 9h-5V4M15 20v-5h5M4 15h5v5",
};

function make(parent, name, attributes = {}, namespace = "http://www.w3.org/1999/xhtml") {
	const node = parent.appendChild(document.createElementNS(namespace, name));
	for (const [key, value] of Object.entries(attributes))
		node.setAttribute(key, value);
	return node;
}

/* An empty icon; returns the path whose d is the drawing. */
function makeIcon(parent) {
	const svg = "http://www.w3.org/2000/svg";
	return make(make(parent, "svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg), "path", {}, svg);
}

export class Face {
	#canvas;
	#context;
	#frame;
	#badge;
	#state;
	#age;
	#pause;
	#full;
	#show;
	#words;

	/* press("pause" | "full" | "escape") is called for buttons and keys. */
	constructor(root, press) {
		root.adoptedStyleSheets = [sheet];
		this.#frame = make(root, "div", { class: "frame", part: "frame", role: "group", tabindex: "0" });
		this.#canvas = make(this.#frame, "canvas", { part: "picture", role: "img", width: "1280", height: "720" });
		this.#context = this.#canvas.getContext("2d", { alpha: false });
		const bar = make(this.#frame, "div", { class: "bar", part: "bar" });
		const badge = make(bar, "div", { class: "badge", part: "badge" });
		this.#badge = makeIcon(badge);
		/* Only the word is announced: an age that counts up would never let a screen reader finish. */
		this.#state = make(badge, "span", { part: "state", role: "status", "aria-live": "polite" });
		this.#age = make(badge, "span", { class: "age", part: "age" });
		this.#show = this.#button(this.#frame, "show", "play", () => press("pause"));
		this.#show.text = make(this.#show.button, "span");
		const controls = make(bar, "div", { class: "controls", part: "controls" });
		this.#pause = this.#button(controls, "pause", "paused", () => press("pause"));
		this.#full = this.#button(controls, "full", "full", () => press("full"));
		this.#frame.addEventListener("keydown", (event) => this.#key(event, press));
	}

	#button(parent, name, icon, action) {
		const button = make(parent, "button", { type: "button", class: name, part: `button ${name}` });
		const path = makeIcon(button);
		path.setAttribute("d", ICONS[icon]);
		button.addEventListener("click", action);
		return { button, path };
	}

	#key(event, press) {
		if (event.ctrlKey || event.metaKey || event.altKey || event.repeat)
			return;
		const key = event.key.toLowerCase();
		if (key === " " && event.target.localName === "button")
			return;	/* a button's own press */
		const wanted = { " ": "pause", k: "pause", f: "full", escape: "escape" }[key];
		if (!wanted)
			return;
		if (wanted !== "escape")
			event.preventDefault();
		press(wanted);
	}

	/* Names of things, in a language; `label` is what the picture shows, if the page says so. */
	name(words, language, label) {
		this.#words = words;
		this.#frame.lang = language;
		this.#frame.setAttribute("aria-label", words.player);
		this.#canvas.setAttribute("aria-label", label ?? words.picture);
		this.#show.text.textContent = words.show;
	}

	buttons({ paused, full }) {
		const set = ({ button, path }, icon, text) => {
			path.setAttribute("d", ICONS[icon]);
			button.setAttribute("aria-label", text);
			button.title = text;
		};
		set(this.#pause, paused ? "play" : "paused", this.#words[paused ? "play" : "pause"]);
		this.#pause.button.classList.toggle("play", paused);
		set(this.#full, full ? "leave" : "full", this.#words[full ? "leave" : "full"]);
	}

	say(state, age) {
		const text = this.#words[state];
		if (this.#frame.dataset.state !== state) {
			this.#frame.dataset.state = state;
			this.#badge.setAttribute("d", ICONS[state]);
		}
		if (this.#state.textContent !== text)
			this.#state.textContent = text;
		if (this.#age.textContent !== age)
			this.#age.textContent = age;
	}

	/* Size and pixels change in one task, so that nothing between two pictures is ever painted. */
	draw(image) {
		const width = image.naturalWidth ?? image.width, height = image.naturalHeight ?? image.height;
		if (this.#canvas.width !== width || this.#canvas.height !== height)
			Object.assign(this.#canvas, { width, height });
		this.#context.drawImage(image, 0, 0);
		return { width, height };
	}
}
