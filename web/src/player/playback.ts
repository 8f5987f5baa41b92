// Plays one live stream and never gives up on it: chooses what plays it, and says what the viewer
// has to know.
import type { Engine, EngineEvents, StreamState } from "./engine";
import { HlsEngine, type P2PModule } from "./hls_engine";
import { aheadS } from "./segment_loader";
import type { Settings } from "./settings";
import type { Sharing } from "./sharing";
import type { Stats } from "./stats";

export class Playback {
  readonly #video: HTMLVideoElement;
  readonly #settings: Settings;
  readonly #stats: Stats;
  readonly #sharing: Sharing;
  readonly #show: (state: StreamState) => void;
  #engine: Engine | null = null;

  constructor(
    video: HTMLVideoElement,
    settings: Settings,
    stats: Stats,
    sharing: Sharing,
    show: (state: StreamState) => void,
  ) {
    this.#video = video;
    this.#settings = settings;
    this.#stats = stats;
    this.#sharing = sharing;
    this.#show = show;
  }

  async start(p2pModule: Promise<P2PModule>): Promise<void> {
    this.#followVideo();
    this.#engine = await this.#choose(p2pModule);
    if (this.#engine === null) return this.#playNatively();
    this.#stats.engine = this.#engine.name;
    this.#sharing.onChange((config) => this.#engine?.share(config));
    this.#engine.open();
  }

  /** Browsers let a muted video start by itself; where one refuses, the viewer presses play. */
  play(): void {
    this.#video.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") {
        this.#show({ mood: "waiting", text: "Press play to start" });
      }
    });
  }

  toLive(): void {
    this.#engine?.toLive();
    this.play();
  }

  /** Writes what changes by itself to the figures. */
  measure(): void {
    this.#stats.latencyS = this.#engine?.latencyS ?? null;
    this.#stats.quality = this.#engine?.quality ?? null;
    this.#stats.bufferS = aheadS(this.#video);
  }

  async #choose(p2pModule: Promise<P2PModule>): Promise<Engine | null> {
    const events: EngineEvents = { show: this.#show, ready: () => this.play() };
    const parts = [this.#video, this.#settings, this.#stats, this.#sharing, events] as const;
    if (this.#settings.engine === "shaka") {
      const [{ ShakaEngine }, module] = await Promise.all([
        import("./shaka_engine"),
        import("./p2p_shaka"),
      ]);
      return new ShakaEngine(...parts, module);
    }
    if (!HlsEngine.isSupported()) return null;
    return new HlsEngine(...parts, await p2pModule);
  }

  /** An iPhone before iOS 17.1: the browser plays HLS by itself, and doesn't say what it loads. */
  #playNatively(): void {
    if (this.#video.canPlayType("application/vnd.apple.mpegurl") === "") {
      return this.#show({ mood: "bad", text: "This browser can't play live video" });
    }
    this.#stats.engine = "native";
    this.#sharing.giveUpForGood();
    this.#video.src = this.#settings.streamUrl;
    this.play();
  }

  #followVideo(): void {
    const on = (event: string, state: StreamState) =>
      this.#video.addEventListener(event, () => this.#show(state));
    this.#show({ mood: "waiting", text: "Loading" });
    on("playing", { mood: "good", text: "Live" });
    on("waiting", { mood: "waiting", text: "Buffering" });
    on("pause", { mood: "waiting", text: "Paused" });
  }
}
