// Plays one live stream and never gives up on it. Peers are an addition: hls.js alone plays
// wherever peer to peer can't start, breaks, or falls silent, and every error that hls.js gives up
// on is tried again.
import Hls, { ErrorTypes, Events } from "hls.js";
import type {
  ErrorData,
  HlsConfig,
  LevelDetails,
  LoaderCallbacks,
  LoaderConfiguration,
  LoaderContext,
} from "hls.js";
import type { HlsJsP2PEngine, HlsWithP2PInstance } from "p2p-media-loader-hlsjs";
import { Digests } from "./digests";
import {
  BACK_BUFFER_S,
  FIRST_SEGMENT_WAIT_MS,
  HIGH_DEMAND_WINDOW_S,
  LIVE_SYNC_SEGMENTS,
  P2P_ERRORS_MAX,
  P2P_SILENCE_MAX_MS,
  RETRY_FIRST_MS,
  RETRY_MAX_MS,
  SEGMENT_MEMORY_MIB_MAX,
} from "./limits";
import type { Settings } from "./settings";
import { PeerCount, type Stats } from "./stats";

/** The module that adds peers to hls.js, or null where it can't be had. */
export type P2PModule = typeof import("p2p-media-loader-hlsjs") | null;

/** What the stream is doing: `good` and `quiet` need no thought, `waiting` passes. */
export interface StreamState {
  mood: "good" | "waiting" | "bad" | "quiet";
  text: string;
}

export class Playback {
  readonly #video: HTMLVideoElement;
  readonly #settings: Settings;
  readonly #stats: Stats;
  readonly #peers: PeerCount;
  readonly #show: (state: StreamState) => void;
  #p2pModule: P2PModule = null;
  #hls: Hls | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #errorsInARow = 0;
  /** False until there is enough of the stream to start with; see `#startWhenDeepEnough`. */
  #started = false;
  /** The first segment of the first playlist: once it is gone, the playlist is at full length. */
  #firstSequence: number | null = null;
  /** Since when a segment has been under way without a byte; null when none is. */
  #silentSinceMs: number | null = null;

  constructor(
    video: HTMLVideoElement,
    settings: Settings,
    stats: Stats,
    show: (state: StreamState) => void,
  ) {
    this.#video = video;
    this.#settings = settings;
    this.#stats = stats;
    this.#peers = new PeerCount(stats);
    this.#show = show;
  }

  start(p2pModule: P2PModule): void {
    this.#p2pModule = p2pModule;
    this.#followVideo();
    if (Hls.isSupported()) {
      setInterval(() => this.#giveUpOnSilentPeers(), 1_000);
      this.#open();
    } else if (this.#video.canPlayType("application/vnd.apple.mpegurl") !== "") {
      // An iPhone before iOS 17.1: the browser plays HLS by itself, and doesn't say what it loads.
      this.#stats.engine = "native";
      this.#video.src = this.#settings.streamUrl;
      this.play();
    } else {
      this.#show({ mood: "bad", text: "This browser can't play live video" });
    }
  }

  /** Browsers let a muted video start by itself; where one refuses, the viewer presses play. */
  play(): void {
    this.#video.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") {
        this.#show({ mood: "bad", text: "Press play to start" });
      }
    });
  }

  #followVideo(): void {
    const on = (event: string, state: StreamState) =>
      this.#video.addEventListener(event, () => this.#show(state));
    this.#show({ mood: "waiting", text: "Loading" });
    on("playing", { mood: "good", text: "Live" });
    on("waiting", { mood: "waiting", text: "Buffering" });
    on("pause", { mood: "waiting", text: "Paused" });
  }

  /** A fresh hls.js, with peers as long as they are of use. */
  #open(): void {
    this.#hls?.destroy();
    this.#peers.clear();
    this.#started = false;
    this.#firstSequence = null;
    this.#silentSinceMs = null;
    this.#hls = this.#withPeers() ?? new Hls(this.#hlsConfig());
    this.#followHls(this.#hls);
    this.#hls.attachMedia(this.#video);
    this.#hls.loadSource(this.#settings.streamUrl);
  }

  #withPeers(): Hls | null {
    if (this.#p2pModule === null) return null;
    try {
      const HlsWithPeers = this.#p2pModule.HlsJsP2PEngine.injectMixin(Hls);
      const hls: HlsWithP2PInstance<Hls> = new HlsWithPeers({
        ...this.#hlsConfig(),
        p2p: { core: this.#coreConfig() },
      });
      this.#followPeers(hls.p2pEngine);
      return hls;
    } catch (error) {
      console.warn("Peer to peer can't start; playing over HTTP alone.", error);
      this.#p2pModule = null;
      return null;
    }
  }

  #hlsConfig(): Partial<HlsConfig> {
    return {
      // A worker would take each segment's buffer with it, and P2P Media Loader 2.3.1, which keeps
      // that very buffer for the other viewers, would be left with a detached one.
      enableWorker: false,
      liveSyncDurationCount: LIVE_SYNC_SEGMENTS,
      backBufferLength: BACK_BUFFER_S,
      loader: countingLoader((bytes) => (this.#stats.httpBytes += bytes)),
    };
  }

  #coreConfig() {
    const { swarmId, trackers, stun, digests } = this.#settings;
    return {
      swarmId,
      announceTrackers: trackers,
      rtcConfig: { iceServers: stun.map((urls) => ({ urls })) },
      highDemandTimeWindow: HIGH_DEMAND_WINDOW_S,
      httpDownloadInitialTimeoutMs: FIRST_SEGMENT_WAIT_MS,
      segmentMemoryStorageLimit: SEGMENT_MEMORY_MIB_MAX,
      ...(digests !== null && { validateP2PSegment: new Digests(digests, this.#stats).isGood }),
    };
  }

  #followPeers(engine: HlsJsP2PEngine): void {
    engine.addEventListener("onChunkDownloaded", (bytes, source) => {
      this.#silentSinceMs &&= performance.now();
      if (source === "p2p") this.#stats.p2pBytes += bytes;
      else this.#stats.httpBytes += bytes;
    });
    engine.addEventListener("onChunkUploaded", (bytes) => (this.#stats.uploadBytes += bytes));
    // A viewer has one peer id for the picture and one for separate sound: the picture's is
    // counted.
    engine.addEventListener("onPeerConnect", ({ peerId, streamType }) => {
      if (streamType === "main") this.#peers.connected(peerId);
    });
    engine.addEventListener("onPeerClose", ({ peerId, streamType }) => {
      if (streamType === "main") this.#peers.closed(peerId);
    });
  }

  #followHls(hls: Hls): void {
    hls.on(Events.LEVEL_UPDATED, (_event, { details }) => this.#startWhenDeepEnough(details));
    hls.on(Events.FRAG_LOADING, () => (this.#silentSinceMs = performance.now()));
    hls.on(Events.FRAG_LOADED, () => (this.#silentSinceMs = null));
    hls.on(Events.FRAG_BUFFERED, () => (this.#errorsInARow = 0));
    hls.on(Events.ERROR, (_event, error) => {
      this.#silentSinceMs = null;
      if (error.fatal) this.#recover(hls, error);
    });
  }

  /**
   * A stream that began seconds ago has no room behind its live edge. Who starts there waits for
   * every segment to be made, gets all of it over HTTP, and never falls back to where peers can
   * deliver: so the first picture stands until the playlist is as deep as it is meant to be played,
   * or won't grow.
   */
  #startWhenDeepEnough(details: LevelDetails): void {
    if (this.#started || !this.#video.paused) return;
    this.#firstSequence ??= details.startSN;
    const deepEnough =
      details.totalduration >= LIVE_SYNC_SEGMENTS * details.targetduration ||
      details.startSN > this.#firstSequence;
    if (!details.live || deepEnough) {
      this.#started = true;
      this.play();
    } else {
      this.#show({ mood: "waiting", text: "The stream is just starting" });
    }
  }

  /** An origin that is away comes back, sooner or later: try again, with growing waits. */
  #recover(hls: Hls, error: ErrorData): void {
    const waitMs = Math.min(RETRY_FIRST_MS * 2 ** this.#errorsInARow, RETRY_MAX_MS);
    this.#errorsInARow += 1;
    if (error.type === ErrorTypes.NETWORK_ERROR) {
      this.#show({ mood: "waiting", text: "The stream is away; trying again" });
    }
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      if (error.type === ErrorTypes.NETWORK_ERROR && hls.levels.length > 0) hls.startLoad();
      else if (error.type === ErrorTypes.NETWORK_ERROR) hls.loadSource(this.#settings.streamUrl);
      else if (error.type === ErrorTypes.MEDIA_ERROR && this.#errorsInARow === 1) {
        hls.recoverMediaError();
        this.play();
      } else if (this.#errorsInARow >= P2P_ERRORS_MAX) this.#openWithoutPeers();
      else this.#open();
    }, waitMs);
  }

  #giveUpOnSilentPeers(): void {
    const silentMs = performance.now() - (this.#silentSinceMs ?? Infinity);
    if (this.#p2pModule !== null && silentMs > P2P_SILENCE_MAX_MS) this.#openWithoutPeers();
  }

  #openWithoutPeers(): void {
    if (this.#p2pModule !== null) console.warn("Peer to peer failed; playing over HTTP alone.");
    this.#p2pModule = null;
    this.#open();
  }
}

/**
 * hls.js's own loader, counting the segments that it brings. It loads everything without peer to
 * peer, and with it the segments that P2P Media Loader leaves to hls.js; what that loads itself it
 * reports.
 */
function countingLoader(count: (bytes: number) => void): HlsConfig["loader"] {
  return class extends Hls.DefaultConfig.loader {
    override load(
      context: LoaderContext,
      config: LoaderConfiguration,
      callbacks: LoaderCallbacks<LoaderContext>,
    ): void {
      const onSuccess: typeof callbacks.onSuccess = (response, stats, context, details) => {
        if ("frag" in context) count(stats.loaded);
        callbacks.onSuccess(response, stats, context, details);
      };
      super.load(context, config, { ...callbacks, onSuccess });
    }
  };
}
