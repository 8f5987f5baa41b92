// The page's live figures, one record that everything writes to and everyone may read: the view,
// the browser tests, and whoever embeds the page, as `window.__p2pStats`.

/** A halt of the picture after the first frame; how it is measured is told in `stalls.ts`. */
export interface Stall {
  /** When it began, in ms since navigation. */
  at: number;
  /** How long it lasted, or lasts by now, in ms. */
  ms: number;
}

/** Another viewer who is connected. */
export interface PeerRecord {
  id: string;
  /** What is exchanged with him: separate sound has connections of its own. */
  of: "picture" | "sound";
  /** From him. */
  downBytes: number;
  /** To him. */
  upBytes: number;
  /** By addresses that both have, by one that STUN told, through a relay, or not looked at yet. */
  path: "direct" | "stun" | "relay" | "unknown";
}

/** Where a segment came from; `refused` is what a peer sent and wasn't played. */
export type SegmentSource = "peers" | "http" | "refused";

/** A segment of the picture. */
export interface SegmentRecord {
  /** Its file name. */
  name: string;
  source: SegmentSource;
  bytes: number;
  /** When it had come, in ms since navigation. */
  at: number;
}

/** Whether peers are in use, and otherwise why they aren't; told in words by `sharing.ts`. */
export type SharingState = "on" | "off" | "ask" | "metered" | "impossible" | "failed";

/** `window.__p2pStats`. Bytes are bytes of media segments; playlists aren't counted. */
export interface Stats {
  /** What plays; `native` is the browser itself, where it has no Media Source Extensions. */
  engine: "hls.js" | "shaka" | "native";
  /** From other viewers, without what was refused. */
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
  /** When the first picture was shown, in ms since navigation. */
  tFirstFrame: number | null;
  /** Halts of the picture, the latest last. */
  stalls: Stall[];
  sharing: SharingState;
  /** The connected viewers. */
  peers: PeerRecord[];
  /** The latest segments of the picture, the latest last. */
  segments: SegmentRecord[];
  /** How far behind live it plays, in seconds. */
  latencyS: number | null;
  /** How much it has ahead, in seconds. */
  bufferS: number;
  /** Of the picture, such as `360p, 1.0 Mbit/s`. */
  quality: string | null;
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
    tFirstFrame: null,
    stalls: [],
    sharing: "off",
    peers: [],
    segments: [],
    latencyS: null,
    bufferS: 0,
    quality: null,
  };
}
