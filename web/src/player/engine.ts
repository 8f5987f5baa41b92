// What plays the stream: hls.js or Shaka Player, each with P2P Media Loader behind it. The rest of
// the page knows them by this interface alone.
import { LEAVING_TARGETS } from "./limits";
import type { SharingConfig } from "./sharing";

/** What the stream is doing: `good` and `quiet` need no thought, `waiting` passes. */
export interface StreamState {
  mood: "good" | "waiting" | "bad" | "quiet";
  text: string;
}

/** What an engine tells of. */
export interface EngineEvents {
  show(state: StreamState): void;
  /** There is enough to start with. */
  ready(): void;
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

/** How a quality is told. */
export function quality(height: number | null, bitsPerSecond: number): string | null {
  const rate = `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
  return height === null || height === 0 ? null : `${height}p, ${rate}`;
}

/** A playlist's measures, in seconds. */
export interface Depth {
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
