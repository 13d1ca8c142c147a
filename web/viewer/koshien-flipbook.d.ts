/* SPDX-License-Identifier: Apache-2.0 */

export type FlipbookState =
	"connecting" | "live" | "delayed" | "stale" | "nosignal" | "reconnecting" | "offline" | "paused";

export interface FlipbookStats {
	/** Pictures drawn. */
	shown: number;
	/** Pictures that came and were not fit to be shown: cut, broken, misnamed. */
	refused: number;
	/** Whole pictures that were older than the one on the screen. */
	older: number;
	/** Whole pictures that were on the screen already. */
	repeated: number;
	/** Requests without a picture: no answer, too late an answer, an error status. */
	errors: number;
	/** Frame id of the picture on the screen, "<epoch>-<seq>". */
	id: string | null;
	/** Milliseconds since that picture was taken. */
	age: number | null;
	/** The relay it came from, if it said so (Served-By). */
	served: string | null;
}

export interface FlipbookEventMap {
	frame: CustomEvent<{
		id: string; age: number | null; relay: string | null; bytes: number; width: number; height: number;
	}>;
	statechange: CustomEvent<{ state: FlipbookState; previous: FlipbookState | "" }>;
	error: CustomEvent<{
		reason: "network" | "timeout" | "status" |
			"cut" | "length" | "soi" | "eoi" | "stamp" | "id" | "channel" | "decode";
		/** HTTP status, or 0. */
		status: number;
		/** Milliseconds until the next try. */
		retry: number;
	}>;
}

export class KoshienFlipbook extends HTMLElement {
	readonly paused: boolean;
	readonly state: FlipbookState;
	readonly stats: FlipbookStats;
	play(): void;
	pause(): void;
	toggleFullscreen(): Promise<void>;
	addEventListener<K extends keyof FlipbookEventMap>(type: K,
		listener: (this: KoshienFlipbook, event: FlipbookEventMap[K]) => void,
		options?: boolean | AddEventListenerOptions): void;
	addEventListener(type: string, listener: EventListenerOrEventListenerObject,
		options?: boolean | AddEventListenerOptions): void;
}

declare global {
	interface HTMLElementTagNameMap {
		"koshien-flipbook": KoshienFlipbook;
	}
}
