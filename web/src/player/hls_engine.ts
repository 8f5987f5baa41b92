// The stream by hls.js. Peers are an addition: hls.js alone plays wherever peer to peer can't
// start, breaks, or falls silent, and every error that hls.js gives up on is tried again.
import Hls, { ErrorDetails, ErrorTypes, Events } from "hls.js";
import type { ErrorData, HlsConfig, LevelDetails } from "hls.js";
import type { HlsJsP2PEngine } from "p2p-media-loader-hlsjs";
import { coreConfig } from "./core_config";
import {
  AWAY,
  LIVE,
  play,
  quality,
  startS,
  STARTING,
  UNDECODABLE,
  type Engine,
  type Page,
} from "./engine";
import { BACK_BUFFER_S, LIST_AGAIN_ERRORS, P2P_ERRORS_MAX, PEER_WAIT_MAX_MS } from "./limits";
import { PeerEvents } from "./peer_events";
import { Retries } from "./retries";
import { Patience, segmentLoader, tellingLoader } from "./segment_loader";
import type { SharingConfig } from "./sharing";

/** The module that adds peers to hls.js, or null where it can't be had. */
export type P2PModule = typeof import("./p2p_hls") | null;

export class HlsEngine implements Engine {
  readonly name = "hls.js";
  readonly #page: Page;
  readonly #peers: PeerEvents;
  readonly #retries = new Retries();
  #p2pModule: P2PModule;
  #p2p: HlsJsP2PEngine | null = null;
  #patience: Patience | null = null;
  #hls: Hls | null = null;
  /** False until there is enough of the stream to start with; see `#startWhenDeepEnough`. */
  #started = false;
  /** The first segment of the first playlist: once it is gone, the playlist is at full length. */
  #firstSequence: number | null = null;

  static isSupported(): boolean {
    return Hls.isSupported();
  }

  constructor(page: Page, p2pModule: P2PModule) {
    this.#page = page;
    this.#p2pModule = p2pModule;
    this.#peers = new PeerEvents(page.stats);
  }

  /** A fresh hls.js, with peers as long as they are of use. */
  open(): void {
    this.#hls?.destroy();
    this.#patience?.stop();
    this.#peers.clear();
    this.#started = false;
    this.#firstSequence = null;
    this.#hls = this.#withPeers() ?? new Hls(this.#config());
    this.#follow(this.#hls);
    this.#hls.attachMedia(this.#page.video);
    this.#hls.loadSource(this.#page.settings.streamUrl);
  }

  share(config: SharingConfig): void {
    this.#p2p?.applyDynamicConfig({ core: { ...config } });
    if (config.isP2PDisabled) this.#peers.clear();
  }

  get latencyS(): number | null {
    const latency = this.#hls?.latency ?? 0;
    return latency === 0 ? null : latency;
  }

  get quality(): string | null {
    const level = this.#hls?.levels[this.#hls.currentLevel];
    return level === undefined ? null : quality(level.height, level.bitrate);
  }

  toLive(): void {
    const position = this.#hls?.liveSyncPosition;
    if (position !== null && position !== undefined) this.#page.video.currentTime = position;
  }

  #withPeers(): Hls | null {
    if (this.#p2pModule === null) {
      this.#page.sharing.giveUpForGood();
      return null;
    }
    try {
      const p2p = new this.#p2pModule.HlsJsP2PEngine({ core: coreConfig(this.#page) });
      const { fLoader, pLoader } = p2p.getConfigForHlsJs() as {
        [loader in "fLoader" | "pLoader"]: NonNullable<HlsConfig[loader]>;
      };
      const patience = new Patience(this.#page, this.#peers);
      const hls = new Hls({
        ...this.#config(),
        pLoader,
        fLoader: segmentLoader(fLoader, patience) as typeof fLoader,
      });
      p2p.bindHls(hls);
      this.#peers.follow(p2p);
      patience.start();
      this.#patience = patience;
      this.#p2p = p2p;
      return hls;
    } catch (error) {
      console.warn("Peer to peer can't start; playing over HTTP alone.", error);
      this.#giveUpPeers();
      return null;
    }
  }

  #config(): Partial<HlsConfig> {
    return {
      // A worker would take each segment's buffer with it, and P2P Media Loader 2.3.1, which keeps
      // that very buffer for the other viewers, would be left with a detached one.
      enableWorker: false,
      // Overruled by `#startWhenDeepEnough`, which knows the playlist.
      liveSyncDurationCount: this.#page.settings.sharing.behindTargets,
      backBufferLength: BACK_BUFFER_S,
      loader: tellingLoader(Hls, (bytes, { frag }) => {
        this.#page.stats.httpBytes += bytes;
        if (frag.type === "main" && frag.sn !== "initSegment") {
          this.#peers.record(frag.url, "http", bytes);
        }
      }),
    };
  }

  #follow(hls: Hls): void {
    hls.on(Events.LEVEL_UPDATED, (_event, { details }) => {
      this.#patience?.moved(details);
      this.#startWhenDeepEnough(hls, details);
    });
    hls.on(Events.AUDIO_TRACK_UPDATED, (_event, { details }) => this.#patience?.moved(details));
    hls.on(Events.FRAG_BUFFERED, () => {
      // What was buffered may have outlasted the errors: then no event of the video ends them.
      if (this.#retries.failures > 0 && !this.#page.video.paused) this.#page.show(LIVE);
      this.#retries.wentWell();
    });
    hls.on(Events.ERROR, (_event, error) => {
      if (error.fatal) this.#recover(hls, error);
    });
  }

  /**
   * A stream that began seconds ago has no room behind its live edge. Who starts there waits for
   * every segment to be made, gets all of it over HTTP, and never falls back to where peers can
   * deliver: so the first picture stands until the playlist is as deep as it is meant to be played,
   * or won't grow.
   */
  #startWhenDeepEnough(hls: Hls, details: LevelDetails): void {
    if (this.#started || !this.#page.video.paused) return;
    const { totalduration: wholeS, targetduration: targetS, startSN, live } = details;
    const grows = startSN === this.#firstSequence;
    const isFull = startSN > (this.#firstSequence ?? startSN);
    this.#firstSequence ??= startSN;
    const wantedS = this.#page.settings.sharing.behindTargets * targetS;
    if (live) hls.targetLatency = startS({ wholeS, targetS, grows }, wantedS);
    const httpDownloadInitialTimeoutMs = Math.min(PEER_WAIT_MAX_MS, 400 * targetS);
    this.#p2p?.applyDynamicConfig({ core: { httpDownloadInitialTimeoutMs } });
    if (!live || wholeS >= wantedS || isFull) {
      this.#started = true;
      play(this.#page);
    } else {
      this.#page.show(STARTING);
    }
  }

  /** An origin that is away comes back, sooner or later: try again, with growing waits. */
  #recover(hls: Hls, error: ErrorData): void {
    if (error.details === ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR) {
      return this.#page.show(UNDECODABLE);
    }
    if (error.type === ErrorTypes.NETWORK_ERROR) this.#page.show(AWAY);
    this.#retries.failed(() => {
      const { failures } = this.#retries;
      if (error.type === ErrorTypes.NETWORK_ERROR) {
        // A stream that comes back may have other renditions than its list had.
        if (hls.levels.length === 0) hls.loadSource(this.#page.settings.streamUrl);
        else if (failures < LIST_AGAIN_ERRORS) hls.startLoad();
        else this.open();
      } else if (error.type === ErrorTypes.MEDIA_ERROR && failures === 1) {
        hls.recoverMediaError();
        play(this.#page);
      } else {
        if (failures >= P2P_ERRORS_MAX) this.#giveUpPeers();
        this.open();
      }
    });
  }

  #giveUpPeers(): void {
    this.#p2pModule = null;
    this.#p2p = null;
    this.#page.sharing.giveUpForGood();
  }
}
