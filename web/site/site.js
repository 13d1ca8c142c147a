/* SPDX-License-Identifier: Apache-2.0
 *
 * The event page around the flipbook: language, facts about the picture, sharing. It stands in the head and
 * is not deferred, so that the page is laid out once, in the right language.
 */
"use strict";

const LANGUAGE_KEY = "koshien-language";
const titles = { ja: "Koshien — ライブ画像", en: "Koshien — live pictures" };
const copied = { ja: "コピーしました", en: "Copied" };
const since = {
	ja: (n, minutes) => `${n}${minutes ? "分" : "秒"}`,
	en: (n, minutes) => `${n} ${minutes ? "min" : "s"} ago`,
};

/* Storage can be forbidden; then the choice holds for this visit. */
function remembered() {
	try {
		return localStorage.getItem(LANGUAGE_KEY);
	} catch {
		return null;
	}
}

function remember(language) {
	try {
		localStorage.setItem(LANGUAGE_KEY, language);
	} catch {
		/* as said above */
	}
}

function preferred() {
	const tags = [remembered(), ...navigator.languages].map((tag) => String(tag).toLowerCase().split("-")[0]);
	return tags.find((tag) => tag in titles) ?? "en";
}

function speak(language) {
	const root = document.documentElement;
	root.lang = root.dataset.language = language;
	document.title = titles[language];
	document.querySelector("koshien-flipbook")?.setAttribute("lang", language);
	for (const button of document.querySelectorAll("[data-language]:not(html)"))
		button.setAttribute("aria-pressed", String(button.dataset.language === language));
}

function showFacts(flipbook) {
	const fact = Object.fromEntries([...document.querySelectorAll("[data-fact]")].map((dd) => [dd.dataset.fact, dd]));
	const showAge = () => {
		const age = flipbook.stats?.age;
		if (age === undefined || age === null || document.hidden)
			return;
		const say = since[document.documentElement.dataset.language];
		const seconds = age / 1000;
		fact.age.textContent = seconds < 10 ? say(seconds.toFixed(1)) :
			seconds < 100 ? say(Math.floor(seconds)) : say(Math.floor(seconds / 60), true);
	};
	flipbook.addEventListener("frame", ({ detail }) => {
		fact.id.textContent = detail.id;
		fact.served.textContent = detail.relay ?? "–";
		fact.size.textContent = `${detail.width}×${detail.height}, ${Math.round(detail.bytes / 1000)}\u00a0kB`;
		showAge();
	});
	setInterval(showAge, 250);
}

function offerSharing() {
	const embed = document.querySelector("[data-embed]");
	const source = new URL("embed.html", location.href);
	embed.textContent = `<iframe src="${source.href}" width="640" height="360" allow="fullscreen"></iframe>`;
	const texts = { link: location.origin + location.pathname, embed: embed.textContent };
	const status = document.querySelector(".copied");
	for (const button of document.querySelectorAll("[data-copy]")) {
		/* Browsers lend the clipboard to secure pages only. */
		button.hidden = !navigator.clipboard;
		button.addEventListener("click", async () => {
			await navigator.clipboard.writeText(texts[button.dataset.copy]);
			status.textContent = copied[document.documentElement.dataset.language];
			setTimeout(() => { status.textContent = ""; }, 2500);
		});
	}
}

speak(preferred());
document.addEventListener("DOMContentLoaded", () => {
	speak(preferred());
	for (const button of document.querySelectorAll("[data-language]:not(html)"))
		button.addEventListener("click", () => {
			remember(button.dataset.language);
			speak(button.dataset.language);
		});
	showFacts(document.querySelector("koshien-flipbook"));
	offerSharing();
});
