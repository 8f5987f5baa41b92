// Whether this viewer shares with others, and why not: the operator may want consent first, the
// connection may be metered, the viewer may have said no. What the viewer says is remembered, and
// outlasts everything but the query string.
import { TURN_CHECK_MS, UPLOAD_BURST_S } from "./limits";
import type { Settings } from "./settings";
import type { SharingState, Stats } from "./stats";
import type { Turns } from "./turns";

/** How P2P Media Loader is told, in its own words. */
export interface SharingConfig {
  isP2PDisabled: boolean;
  isP2PUploadDisabled: boolean;
  /** Seconds before it is due from which a segment comes over HTTP, whatever the peers have. */
  highDemandTimeWindow: number;
}

/** What browsers tell of the connection; only Chromium's do. */
interface Connection extends EventTarget {
  saveData?: boolean;
  type?: string;
}

/** What is remembered: whether to share, and whether to send to others. */
type Choice = "sharing" | "uploads";

export class Sharing {
  readonly #settings: Settings;
  readonly #stats: Stats;
  readonly #turns: Turns;
  readonly #listeners: ((config: SharingConfig) => void)[] = [];
  #uploads = remembered("uploads") !== "off";
  #withinLimit = true;
  #soonerS = 0;
  /** Bytes sent by the last second, and of them those that the rate hasn't paid for yet. */
  #sent = 0;
  #owed = 0;

  constructor(settings: Settings, stats: Stats, turns: Turns) {
    this.#settings = settings;
    this.#stats = stats;
    this.#turns = turns;
    stats.sharing = this.#atFirst();
  }

  start(): void {
    setInterval(() => this.#limitUpload(), 1_000);
    setInterval(() => this.#takeTurn(), TURN_CHECK_MS);
    connection()?.addEventListener("change", () => {
      if (this.state !== "on" || remembered("sharing") === "on") return;
      if (isMetered()) this.#become("metered");
    });
  }

  get state(): SharingState {
    return this.#stats.sharing;
  }

  get uploads(): boolean {
    return this.#uploads;
  }

  get config(): SharingConfig {
    return {
      isP2PDisabled: this.state !== "on",
      isP2PUploadDisabled: !this.#uploads || !this.#withinLimit,
      highDemandTimeWindow: this.#settings.sharing.httpSeconds + this.#soonerS,
    };
  }

  onChange(listener: (config: SharingConfig) => void): void {
    this.#listeners.push(listener);
  }

  /** The viewer's word, which is remembered. */
  set(on: boolean): void {
    if (this.state === "impossible") return;
    remember("sharing", on);
    this.#become(on ? "on" : "off");
  }

  setUploads(on: boolean): void {
    remember("uploads", on);
    this.#uploads = on;
    this.#tell();
  }

  /** P2P Media Loader breaks; the viewer may try again. */
  giveUp(): void {
    if (this.state === "on") this.#become("failed");
  }

  /** It isn't there, or what plays knows nothing of it. */
  giveUpForGood(): void {
    this.#become("impossible");
  }

  #atFirst(): SharingState {
    const { p2p, trackers, sharing } = this.#settings;
    if (typeof RTCPeerConnection === "undefined" || trackers.length === 0) return "impossible";
    if (p2p === false) return "off";
    const said = remembered("sharing");
    if (said !== null) return said;
    if (isMetered()) return "metered";
    return sharing.consent === "ask" ? "ask" : "on";
  }

  #become(state: SharingState): void {
    if (state === this.state) return;
    this.#stats.sharing = state;
    this.#tell();
  }

  /**
   * P2P Media Loader knows no limit: who has sent ten seconds' worth at once has nothing to give
   * until the rate has paid for half of it.
   */
  #limitUpload(): void {
    const bytesPerSecond = (this.#settings.sharing.uploadKbps * 1_000) / 8;
    const { uploadBytes } = this.#stats;
    this.#owed = Math.max(0, this.#owed + uploadBytes - this.#sent - bytesPerSecond);
    this.#sent = uploadBytes;
    const most = bytesPerSecond * UPLOAD_BURST_S * (this.#withinLimit ? 1 : 0.5);
    const withinLimit = bytesPerSecond === 0 || this.#owed <= most;
    if (withinLimit === this.#withinLimit) return;
    this.#withinLimit = withinLimit;
    this.#tell();
  }

  #takeTurn(): void {
    const soonerS = this.#turns.soonerS(this.#stats.peers, Date.now());
    if (soonerS === this.#soonerS) return;
    this.#soonerS = soonerS;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener(this.config);
  }
}

function connection(): Connection | undefined {
  return (navigator as Navigator & { connection?: Connection }).connection;
}

function isMetered(): boolean {
  const { saveData, type } = connection() ?? {};
  return saveData === true || type === "cellular";
}

/** Nothing, in a page that may keep nothing. */
function remembered(choice: Choice): "on" | "off" | null {
  try {
    const said = localStorage.getItem(choice);
    return said === "on" || said === "off" ? said : null;
  } catch {
    return null;
  }
}

function remember(choice: Choice, on: boolean): void {
  try {
    localStorage.setItem(choice, on ? "on" : "off");
  } catch {
    // It holds for this visit.
  }
}
