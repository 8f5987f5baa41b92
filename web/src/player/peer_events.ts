// What P2P Media Loader tells, written to the page's figures: bytes by way and by peer, who is
// connected, and where each segment came from. It is the same for both engines.
import type { CoreEventMap } from "p2p-media-loader-core";
import { forgetOldest } from "./bounded";
import { PEERS_REMEMBERED_MAX, SEGMENTS_KEPT_MAX } from "./limits";
import type { PeerRecord, SegmentSource, Stats } from "./stats";

/** Where the library's events come from: the engines of both its packages. */
interface PeerEngine {
  addEventListener<K extends keyof CoreEventMap>(name: K, listener: CoreEventMap[K]): void;
}

export class PeerEvents {
  readonly #stats: Stats;
  readonly #ever = new Set<string>();
  /** Addresses of segments that the library is loading now. */
  readonly #underWay = new Set<string>();
  /** Of those that it has loaded, the latest last. */
  readonly #loaded = new Set<string>();

  constructor(stats: Stats) {
    this.#stats = stats;
  }

  follow(engine: PeerEngine): void {
    const stats = this.#stats;
    engine.addEventListener("onChunkDownloaded", (bytes, source, peerId) => {
      if (source === "http") stats.httpBytes += bytes;
      else stats.p2pBytes += bytes;
      const peer = stats.peers.find(({ id }) => id === peerId);
      if (peer !== undefined) peer.downBytes += bytes;
    });
    engine.addEventListener("onChunkUploaded", (bytes, peerId) => {
      stats.uploadBytes += bytes;
      const peer = stats.peers.find(({ id }) => id === peerId);
      if (peer !== undefined) peer.upBytes += bytes;
    });
    engine.addEventListener("onPeerConnect", ({ peerId, streamType }) =>
      this.#connected(peerId, streamType === "main" ? "picture" : "sound"),
    );
    engine.addEventListener("onPeerClose", ({ peerId }) => this.#closed(peerId));
    engine.addEventListener("onSegmentStart", ({ segment }) => this.#underWay.add(segment.url));
    engine.addEventListener("onSegmentAbort", ({ segment }) => this.#underWay.delete(segment.url));
    engine.addEventListener("onSegmentError", ({ segment, error, streamType }) => {
      this.#underWay.delete(segment.url);
      if (error.type === "p2p-segment-validation-failed" && streamType === "main") {
        this.record(segment.url, "refused", 0);
      }
    });
    engine.addEventListener("onSegmentLoaded", (loaded) => {
      this.#underWay.delete(loaded.segmentUrl);
      this.#loaded.add(loaded.segmentUrl);
      forgetOldest(this.#loaded, SEGMENTS_KEPT_MAX);
      if (loaded.streamType !== "main") return;
      const source = loaded.downloadSource === "http" ? "http" : "peers";
      this.record(loaded.segmentUrl, source, loaded.bytesLength);
    });
  }

  /** Whether the library has begun with this segment, and not ended. */
  isUnderWay(url: string): boolean {
    return this.#underWay.has(url);
  }

  /** Whether it has loaded this segment. */
  hasLoaded(url: string): boolean {
    return this.#loaded.has(url);
  }

  /** One more segment of the picture on the strip. */
  record(url: string, source: SegmentSource, bytes: number): void {
    const name = new URL(url).pathname.split("/").at(-1) ?? "";
    this.#stats.segments.push({ name, source, bytes, at: Math.round(performance.now()) });
    if (this.#stats.segments.length > SEGMENTS_KEPT_MAX) this.#stats.segments.shift();
  }

  /** Peer to peer ended as a whole. */
  clear(): void {
    this.#underWay.clear();
    this.#loaded.clear();
    this.#stats.peers = [];
    this.#stats.peersNow = 0;
  }

  /** A viewer has one peer id for the picture and one for separate sound: the picture's counts. */
  #connected(id: string, of: PeerRecord["of"]): void {
    const stats = this.#stats;
    if (!stats.peers.some((peer) => peer.id === id)) {
      stats.peers.push({ id, of, downBytes: 0, upBytes: 0, path: "unknown" });
    }
    if (of === "sound") return;
    if (!this.#ever.has(id)) {
      stats.peersEver += 1;
      if (this.#ever.size < PEERS_REMEMBERED_MAX) this.#ever.add(id);
    }
    stats.tFirstPeer ??= Math.round(performance.now());
    this.#count();
  }

  #closed(id: string): void {
    this.#stats.peers = this.#stats.peers.filter((peer) => peer.id !== id);
    this.#count();
  }

  #count(): void {
    this.#stats.peersNow = this.#stats.peers.filter(({ of }) => of === "picture").length;
  }
}
