// What plays the stream: hls.js or Shaka Player, each with P2P Media Loader behind it. The rest of
// the page knows them by this interface alone.
import { LEAVING_TARGETS } from "./limits";
import type { Settings } from "./settings";
import type { Sharing, SharingConfig } from "./sharing";
import type { Stats } from "./stats";

/** What the stream is doing: `good` and `quiet` need no thought, `waiting` passes. */
export interface StreamState {
  mood: "good" | "waiting" | "bad" | "quiet";
  text: string;
}

export const LIVE: StreamState = { mood: "good", text: "Live" };
export const STARTING: StreamState = { mood: "waiting", text: "The stream is just starting" };
export const AWAY: StreamState = { mood: "waiting", text: "The stream is away; trying again" };
export const UNDECODABLE: StreamState = {
  mood: "bad",
  text: "This browser has no decoder for this stream",
};

/** The page's parts that a stream is played with. */
export interface Page {
  readonly video: HTMLVideoElement;
  readonly settings: Settings;
  readonly stats: Stats;
  readonly sharing: Sharing;
  readonly show: (state: StreamState) => void;
}

export interface Engine {
  readonly name: "hls.js" | "shaka";
  /** Begins with the stream, or anew. */
  open(): void;
  share(config: SharingConfig): void;
  /** How far behind live it plays, in seconds. */
  readonly latencyS: number | null;
  /** Of the picture, such as `360p, 1.0 Mbit/s`. */
  readonly quality: string | null;
  /** Goes to where newcomers start. */
  toLive(): void;
}

/** Browsers let a muted video start by itself; where one refuses, the viewer presses play. */
export function play({ video, show }: Page): void {
  video.play().catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "NotAllowedError") {
      show({ mood: "waiting", text: "Press play to start" });
    }
  });
}

/** How a quality is told. */
export function quality(height: number | null, bitsPerSecond: number): string | null {
  const rate = `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
  return height === null || height === 0 ? null : `${height}p, ${rate}`;
}

/** A playlist's measures, in seconds. */
interface Depth {
  /** All of it. */
  wholeS: number;
  targetS: number;
  /** Nothing has left it yet, since it is not at its full length. */
  grows: boolean;
}

/** How far behind a playlist's end to start, where `wantedS` is best, in seconds. */
export function startS({ wholeS, targetS, grows }: Depth, wantedS: number): number {
  if (grows) return Math.min(wantedS, wholeS);
  // What is at the beginning of a full one is about to leave it.
  return Math.min(wantedS, Math.max(wholeS / 2, wholeS - LEAVING_TARGETS * targetS));
}
