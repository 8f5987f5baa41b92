// The stream by Shaka Player, as HLS or as DASH. What it can't go on from is opened again, with
// growing waits, like hls.js's.
import type { ShakaP2PEngine } from "p2p-media-loader-shaka";
import { coreConfig } from "./core_config";
import {
  AWAY,
  play,
  quality,
  startS,
  STARTING,
  UNDECODABLE,
  type Engine,
  type Page,
} from "./engine";
import {
  BACK_BUFFER_S,
  SHAKA_BUFFER_S,
  SHAKA_LOOK_TARGETS,
  SHAKA_SEGMENT_TIMEOUT_MS,
} from "./limits";
import { PeerEvents } from "./peer_events";
import { Retries } from "./retries";
import type { SharingConfig } from "./sharing";

type Module = typeof import("./p2p_shaka");
type Player = InstanceType<Module["shaka"]["Player"]>;

export class ShakaEngine implements Engine {
  readonly name = "shaka";
  readonly #page: Page;
  readonly #module: Module;
  readonly #peers: PeerEvents;
  readonly #retries = new Retries();
  #player: Player | null = null;
  #p2p: ShakaP2PEngine | null = null;

  constructor(page: Page, module: Module) {
    this.#page = page;
    this.#module = module;
    this.#peers = new PeerEvents(page.stats);
  }

  open(): void {
    void this.#open().catch((error: unknown) => this.#recover(error));
  }

  share(config: SharingConfig): void {
    this.#p2p?.applyDynamicConfig({ core: { ...config } });
    if (config.isP2PDisabled) this.#peers.clear();
  }

  get latencyS(): number | null {
    const timeline = this.#timeline;
    if (timeline === undefined || !timeline.isLive()) return null;
    return timeline.getSegmentAvailabilityEnd() - this.#page.video.currentTime;
  }

  get quality(): string | null {
    const track = this.#player?.getVariantTracks().find(({ active }) => active);
    if (track === undefined) return null;
    return quality(track.height, track.videoBandwidth ?? track.bandwidth);
  }

  toLive(): void {
    this.#player?.goToLive();
  }

  /**
   * Begins when the stream is deep enough, as `HlsEngine` does and for the same reason. Until then
   * it is loaded again and again: P2P Media Loader keeps the times at which Shaka saw segments
   * first, which for those of a stream that has just begun aren't the ones at which they play.
   */
  async #open(): Promise<void> {
    this.#player ??= await this.#makePlayer();
    const player = this.#player;
    for (let beforeS: number | null = null; ;) {
      this.#peers.clear();
      await player.load(this.#page.settings.streamUrl);
      this.#retries.wentWell();
      const { wholeS, targetS } = this.#depth;
      const grows = beforeS !== null && wholeS > beforeS;
      if (wholeS === 0 || wholeS >= this.#wantedS || (beforeS !== null && !grows)) {
        return this.#begin(grows);
      }
      beforeS = wholeS;
      this.#page.show(STARTING);
      await player.unload();
      await new Promise((resume) => setTimeout(resume, SHAKA_LOOK_TARGETS * targetS * 1_000));
    }
  }

  #begin(grows: boolean): void {
    this.#setDelay(grows);
    const lateS = (this.#timeline?.getSeekRangeEnd() ?? 0) - this.#page.video.currentTime;
    if (this.#depth.wholeS > 0 && Math.abs(lateS) > this.#depth.targetS) this.#player?.goToLive();
    play(this.#page);
  }

  async #makePlayer(): Promise<Player> {
    const { shaka, ShakaP2PEngine } = this.#module;
    shaka.polyfill.installAll();
    ShakaP2PEngine.registerPlugins(shaka);
    const player = new shaka.Player();
    await player.attach(this.#page.video);
    this.#p2p = new ShakaP2PEngine({ core: coreConfig(this.#page) }, shaka);
    treatAsDash(this.#p2p);
    this.#p2p.bindShakaPlayer(player);
    this.#peers.follow(this.#p2p);
    player.configure({
      streaming: {
        bufferingGoal: SHAKA_BUFFER_S,
        bufferBehind: BACK_BUFFER_S,
        // A segment that peers are waited for brings no byte meanwhile.
        retryParameters: {
          timeout: SHAKA_SEGMENT_TIMEOUT_MS,
          stallTimeout: 0,
          connectionTimeout: 0,
        },
      },
    });
    player.addEventListener("manifestparsed", () => this.#setDelay(false));
    player.addEventListener("manifestupdated", () => this.#tellSegments());
    player.addEventListener("error", (event) => {
      const { detail } = event as unknown as { detail: { severity: number } };
      if (detail.severity === shaka.util.Error.Severity.CRITICAL) this.#recover(detail);
    });
    this.#countHttp(player);
    return player;
  }

  /**
   * P2P Media Loader looks for new segments when Shaka asks for one, but gives that up when Shaka
   * has asked before it knew that the stream is live. What it doesn't know is never shared.
   */
  #tellSegments(): void {
    const { segmentManager } = this.#p2p as unknown as {
      segmentManager: { updateStreamSegments(stream: unknown): void };
    };
    for (const { video, audio } of this.#player?.getManifest()?.variants ?? []) {
      for (const stream of [video, audio]) {
        if (stream?.segmentIndex) segmentManager.updateStreamSegments(stream);
      }
    }
  }

  get #timeline() {
    return this.#player?.getManifest()?.presentationTimeline;
  }

  /** Shaka plays at the end of what can be reached, which is so much before the live edge. */
  #setDelay(grows: boolean): void {
    const depth = { ...this.#depth, grows };
    if (depth.wholeS > 0) this.#timeline?.setDelay(startS(depth, this.#wantedS));
  }

  get #wantedS(): number {
    return this.#page.settings.sharing.behindTargets * this.#depth.targetS;
  }

  /** What the manifest has, in seconds. */
  get #depth(): { wholeS: number; targetS: number } {
    const timeline = this.#timeline;
    if (timeline === undefined || !timeline.isLive()) return { wholeS: 0, targetS: 0 };
    const wholeS = timeline.getSegmentAvailabilityEnd() - timeline.getSeekRangeStart();
    return { wholeS, targetS: timeline.getMaxSegmentDuration() };
  }

  /** What Shaka loads by itself; what P2P Media Loader loads has no headers, and is told by it. */
  #countHttp(player: Player): void {
    const { SEGMENT } = this.#module.shaka.net.NetworkingEngine.RequestType;
    const isMedia = this.#module.shaka.net.NetworkingEngine.AdvancedRequestType.MEDIA_SEGMENT;
    player.getNetworkingEngine()?.registerResponseFilter((type, response, context) => {
      if (type !== SEGMENT || Object.keys(response.headers).length === 0) return;
      const { byteLength } = response.data as ArrayBuffer;
      this.#page.stats.httpBytes += byteLength;
      if (context?.type === isMedia && context.stream?.type === "video") {
        this.#peers.record(response.uri, "http", byteLength);
      }
    });
  }

  #recover(error: unknown): void {
    const { Code } = this.#module.shaka.util.Error;
    const code = (error as { code?: number }).code;
    if (code === Code.LOAD_INTERRUPTED) return;
    if (code === Code.CONTENT_UNSUPPORTED_BY_BROWSER) return this.#page.show(UNDECODABLE);
    this.#page.show(AWAY);
    this.#retries.failed(() => this.open());
  }
}

/**
 * P2P Media Loader 2.2.2 holds as many segments of an HLS playlist as the first one had, so in one
 * that grows it soon knows none of those that are played. As DASH it holds what the playlist has;
 * and segments are numbered by `renditions.ts`, whatever it takes them for.
 */
function treatAsDash(p2p: ShakaP2PEngine): void {
  const { streamInfo } = p2p as unknown as { streamInfo: object };
  Object.defineProperty(streamInfo, "protocol", { get: () => "dash", set: () => undefined });
}
