// How hls.js gets a segment: from P2P Media Loader, which asks peers and HTTP, or else directly
// over HTTP. The library waits for ever for a segment that leaves the playlist before it has begun
// with it, so nothing is left to it that the picture can't wait for.
import type Hls from "hls.js";
import type {
  FragmentLoaderContext,
  HlsConfig,
  LevelDetails,
  Loader,
  LoaderCallbacks,
  LoaderConfiguration,
  LoaderContext,
  LoaderStats,
} from "hls.js";
import type { Page } from "./engine";
import {
  RESCUE_AFTER_MS,
  RESCUE_AHEAD_S,
  RESCUE_CHECK_MS,
  RESCUE_UNDER_WAY_MS,
  RESCUES_IN_A_ROW_MAX,
  SEGMENT_WAIT_MAX_MS,
} from "./limits";
import type { PeerEvents } from "./peer_events";

type FragmentLoader = new (config: HlsConfig) => Loader<FragmentLoaderContext>;
type Callbacks = LoaderCallbacks<FragmentLoaderContext>;

/** A segment that is left to the library. */
interface Waiting {
  readonly context: FragmentLoaderContext | null;
  readonly sinceMs: number;
  fetchDirectly(): void;
}

/** Decides what is left to peers, and takes back what they keep the viewer waiting for. */
export class Patience {
  readonly #page: Page;
  readonly #events: PeerEvents;
  readonly #waiting = new Set<Waiting>();
  /** The first segment of each kind's newest playlist, by its sequence number. */
  readonly #first = new Map<string, number>();
  #rescuesInARow = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(page: Page, events: PeerEvents) {
    this.#page = page;
    this.#events = events;
  }

  start(): void {
    this.#timer = setInterval(() => this.#check(), RESCUE_CHECK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#waiting.clear();
  }

  /**
   * What is due soon waits for nobody: the first picture, which may be in the middle of a segment,
   * and what comes after a halt. The library would fetch it over HTTP, too, but not at once. What
   * it has already, or is about to have, is taken from it.
   */
  canWait({ frag, url }: FragmentLoaderContext): boolean {
    if (frag.sn === "initSegment" || this.#page.sharing.state !== "on") return false;
    if (this.#events.hasLoaded(url) || this.#events.isUnderWay(url)) return true;
    return aheadS(this.#page.video) >= this.#page.settings.sharing.httpSeconds;
  }

  /** A playlist is there anew. */
  moved({ startSN, fragments }: LevelDetails): void {
    const kind = fragments[0]?.type;
    if (kind !== undefined) this.#first.set(kind, startSN);
  }

  watch(waiting: Waiting): void {
    this.#waiting.add(waiting);
  }

  /** It came, failed, or isn't wanted any more. */
  forget(waiting: Waiting, came: boolean): void {
    this.#waiting.delete(waiting);
    if (came) this.#rescuesInARow = 0;
  }

  #check(): void {
    for (const waiting of [...this.#waiting]) {
      if (!this.#isLost(waiting)) continue;
      this.#rescuesInARow += 1;
      waiting.fetchDirectly();
    }
    if (this.#rescuesInARow < RESCUES_IN_A_ROW_MAX) return;
    this.#rescuesInARow = 0;
    this.#page.sharing.giveUp();
  }

  /**
   * What the library is loading has timeouts of its own, and HTTP behind it; but it doesn't tell
   * of each end.
   */
  #isLost({ context, sinceMs }: Waiting): boolean {
    const waitedMs = performance.now() - sinceMs;
    if (context === null || waitedMs > SEGMENT_WAIT_MAX_MS) return true;
    const { sn, type } = context.frag;
    if (Number(sn) < (this.#first.get(type) ?? 0)) return true;
    const isUnderWay = this.#events.isUnderWay(context.url);
    const patienceMs = isUnderWay ? RESCUE_UNDER_WAY_MS : RESCUE_AFTER_MS;
    return waitedMs > patienceMs && aheadS(this.#page.video) < RESCUE_AHEAD_S;
  }
}

/** How much can be played without another segment, picture and sound, in seconds. */
export function aheadS({ buffered, currentTime }: HTMLVideoElement): number {
  for (let i = 0; i < buffered.length; i += 1) {
    if (buffered.start(i) <= currentTime && currentTime < buffered.end(i)) {
      return buffered.end(i) - currentTime;
    }
  }
  return 0;
}

/** hls.js's `fLoader`: `FromPeers` is the library's. */
export function segmentLoader(FromPeers: FragmentLoader, patience: Patience): FragmentLoader {
  return class SegmentLoader implements Loader<FragmentLoaderContext>, Waiting {
    readonly #config: HlsConfig;
    #loader: Loader<FragmentLoaderContext>;
    #load: ((loader: Loader<FragmentLoaderContext>) => void) | null = null;
    /** hls.js keeps a reference to it from the start: all loaders of a segment share it. */
    readonly stats: LoaderStats;
    context: FragmentLoaderContext | null = null;
    sinceMs = 0;

    constructor(config: HlsConfig) {
      this.#config = config;
      this.#loader = new FromPeers(config);
      this.stats = this.#loader.stats;
    }

    load(context: FragmentLoaderContext, config: LoaderConfiguration, callbacks: Callbacks): void {
      this.context = context;
      this.sinceMs = performance.now();
      this.#load = (loader) => loader.load(context, config, callbacks);
      if (!patience.canWait(context)) return this.fetchDirectly();
      patience.watch(this);
      this.#loader.load(context, config, {
        ...callbacks,
        onSuccess: (response, stats, context, details) => {
          patience.forget(this, true);
          callbacks.onSuccess(response, stats, context, details);
        },
        // What failed there is asked for once more, so that hls.js hears from the server itself
        // what is the matter.
        onError: () => this.fetchDirectly(),
      });
    }

    fetchDirectly(): void {
      patience.forget(this, false);
      const { stats } = this;
      this.#loader.destroy();
      this.#loader = new this.#config.loader(this.#config) as Loader<FragmentLoaderContext>;
      Object.assign(stats, this.#loader.stats, { retry: stats.retry });
      this.#loader.stats = stats;
      this.#load?.(this.#loader);
    }

    abort(): void {
      patience.forget(this, false);
      this.#loader.abort();
    }

    destroy(): void {
      patience.forget(this, false);
      this.#load = null;
      this.#loader.destroy();
    }
  };
}

/**
 * hls.js's own loader, telling of the segments that it brings. It loads everything without peer to
 * peer, and with it the segments that aren't left to the library.
 */
export function tellingLoader(
  HlsClass: typeof Hls,
  tell: (bytes: number, context: FragmentLoaderContext) => void,
): HlsConfig["loader"] {
  return class extends HlsClass.DefaultConfig.loader {
    override load(
      context: LoaderContext,
      config: LoaderConfiguration,
      callbacks: LoaderCallbacks<LoaderContext>,
    ): void {
      const onSuccess: typeof callbacks.onSuccess = (response, stats, context, details) => {
        if ("frag" in context) tell(stats.loaded, context as FragmentLoaderContext);
        callbacks.onSuccess(response, stats, context, details);
      };
      super.load(context, config, { ...callbacks, onSuccess });
    }
  };
}
