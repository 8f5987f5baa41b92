// The page's live figures, one record that everything writes to and everyone may read: the view,
// the browser tests, and whoever embeds the page, as `window.__p2pStats`.
import { PEERS_REMEMBERED_MAX } from "./limits";

/** A halt of the picture after the first frame; how it is measured is told in `stalls.ts`. */
export interface Stall {
  /** When it began, in ms since navigation. */
  at: number;
  /** How long it lasted, or lasts by now, in ms. */
  ms: number;
}

/** `window.__p2pStats`. Bytes are bytes of media segments; playlists aren't counted. */
export interface Stats {
  /** What plays: hls.js, or the browser itself where it has no Media Source Extensions. */
  engine: "hls.js" | "native";
  /** From other viewers. */
  p2pBytes: number;
  /** From the origin or the CDN in front of it. */
  httpBytes: number;
  /** To other viewers. */
  uploadBytes: number;
  /** Segments from other viewers that were not what the origin made, or could not be checked. */
  refused: number;
  /** Viewers connected now. */
  peersNow: number;
  /** Different viewers that were ever connected. */
  peersEver: number;
  /** When the first viewer was connected, in ms since navigation. */
  tFirstPeer: number | null;
  /** Halts of the picture, the latest last. */
  stalls: Stall[];
}

declare global {
  interface Window {
    __p2pStats: Stats;
  }
}

/** An empty record. */
export function newStats(): Stats {
  return {
    engine: "hls.js",
    p2pBytes: 0,
    httpBytes: 0,
    uploadBytes: 0,
    refused: 0,
    peersNow: 0,
    peersEver: 0,
    tFirstPeer: null,
    stalls: [],
  };
}

/** Counts viewers by peer id: one may come by two connections, leave, and come again. */
export class PeerCount {
  readonly #stats: Stats;
  readonly #now = new Set<string>();
  readonly #ever = new Set<string>();

  constructor(stats: Stats) {
    this.#stats = stats;
  }

  connected(peerId: string): void {
    this.#now.add(peerId);
    if (!this.#ever.has(peerId)) {
      this.#stats.peersEver += 1;
      if (this.#ever.size < PEERS_REMEMBERED_MAX) this.#ever.add(peerId);
    }
    this.#stats.tFirstPeer ??= Math.round(performance.now());
    this.#stats.peersNow = this.#now.size;
  }

  closed(peerId: string): void {
    this.#now.delete(peerId);
    this.#stats.peersNow = this.#now.size;
  }

  /** Peer to peer ended as a whole. */
  clear(): void {
    this.#now.clear();
    this.#stats.peersNow = 0;
  }
}
