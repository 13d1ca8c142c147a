/* SPDX-License-Identifier: Apache-2.0
 *
 * What the flipbook says, in each language it speaks.
 */
const words = {
	en: {
		connecting: "CONNECTING", live: "LIVE", delayed: "DELAYED", stale: "STALE", nosignal: "NO SIGNAL",
		reconnecting: "RECONNECTING", offline: "OFFLINE", paused: "PAUSED",
		picture: "Live picture", player: "Live picture. Space: pause, F: full screen",
		pause: "Pause", play: "Play", show: "Show live", full: "Full screen", leave: "Leave full screen",
		seconds: (n) => `${n} s`, minutes: (n) => `${n} min`, hours: (n) => `${n} h`,
		ago: (text) => `${text} ago`,
	},
	ja: {
		connecting: "接続中", live: "ライブ", delayed: "遅延", stale: "更新停止", nosignal: "信号なし",
		reconnecting: "再接続中", offline: "オフライン", paused: "一時停止",
		picture: "ライブ画像", player: "ライブ画像。スペースキー：一時停止、F キー：全画面",
		pause: "一時停止", play: "再生", show: "ライブを表示", full: "全画面", leave: "全画面を終了",
		seconds: (n) => `${n}秒`, minutes: (n) => `${n}分`, hours: (n) => `${n}時間`,
		ago: (text) => `${text}前`,
	},
};

/* "ja" or "en": the one asked for, else the first of the visitor's languages that is spoken here. */
export function pickLanguage(asked, languages) {
	for (const tag of [asked, ...languages]) {
		const language = String(tag ?? "").toLowerCase().split("-")[0];
		if (Object.hasOwn(words, language))
			return language;
	}
	return "en";
}

export function wordsOf(language) {
	return words[language];
}

/* "0.8 s", "12 s", "3 min", "2 h": as exact as a person can use. */
export function duration(ms, say) {
	const seconds = Math.max(0, ms) / 1000;
	if (seconds < 10)
		return say.seconds(seconds.toFixed(1));
	if (seconds < 100)
		return say.seconds(Math.floor(seconds));
	return seconds < 6000 ? say.minutes(Math.floor(seconds / 60)) : say.hours(Math.floor(seconds / 3600));
}
