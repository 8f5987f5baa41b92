// Plays one live stream and never gives up on it: chooses what plays it, and says what the viewer
// has to know.
import { LIVE, play, type Engine, type Page, type StreamState } from "./engine";
import { HlsEngine, type P2PModule } from "./hls_engine";
import { aheadS } from "./segment_loader";

export class Playback {
  readonly #page: Page;
  #engine: Engine | null = null;

  constructor(page: Page) {
    this.#page = page;
  }

  async start(p2pModule: Promise<P2PModule>): Promise<void> {
    this.#followVideo();
    this.#engine = await this.#choose(p2pModule);
    if (this.#engine === null) return this.#playNatively();
    this.#page.stats.engine = this.#engine.name;
    this.#page.sharing.onChange((config) => this.#engine?.share(config));
    this.#engine.open();
  }

  play(): void {
    play(this.#page);
  }

  toLive(): void {
    this.#engine?.toLive();
    this.play();
  }

  /** Writes what changes by itself to the figures. */
  measure(): void {
    const { stats, video } = this.#page;
    stats.latencyS = this.#engine?.latencyS ?? null;
    stats.quality = this.#engine?.quality ?? null;
    stats.bufferS = aheadS(video);
  }

  async #choose(p2pModule: Promise<P2PModule>): Promise<Engine | null> {
    if (this.#page.settings.engine === "shaka") {
      const [{ ShakaEngine }, module] = await Promise.all([
        import("./shaka_engine"),
        import("./p2p_shaka"),
      ]);
      return new ShakaEngine(this.#page, module);
    }
    if (!HlsEngine.isSupported()) return null;
    return new HlsEngine(this.#page, await p2pModule);
  }

  /** An iPhone before iOS 17.1: the browser plays HLS by itself, and doesn't say what it loads. */
  #playNatively(): void {
    const { video, settings, stats, sharing, show } = this.#page;
    if (video.canPlayType("application/vnd.apple.mpegurl") === "") {
      return show({ mood: "bad", text: "This browser can't play live video" });
    }
    stats.engine = "native";
    sharing.giveUpForGood();
    video.src = settings.streamUrl;
    this.play();
  }

  #followVideo(): void {
    const { video, show } = this.#page;
    const on = (event: string, state: StreamState) =>
      video.addEventListener(event, () => show(state));
    show({ mood: "waiting", text: "Loading" });
    on("playing", LIVE);
    on("waiting", { mood: "waiting", text: "Buffering" });
    on("pause", { mood: "waiting", text: "Paused" });
  }
}
