// Two minutes of rates, a sample a second: bytes come in bursts, a segment at a time, so a rate is
// the average of some seconds.
import { HISTORY_GAP_MS, HISTORY_S, RATE_WINDOW_S } from "./limits";
import type { Stats } from "./stats";

/** Rates of one second, in Mbit/s. */
export interface Rates {
  http: number;
  peers: number;
  sent: number;
}

export class History {
  readonly #stats: Stats;
  /** Bytes by the end of each second, the latest last. */
  readonly #bytes: Rates[] = [];
  #sampledAtMs = performance.now();
  readonly rates: Rates[] = [];

  constructor(stats: Stats) {
    this.#stats = stats;
  }

  /** Once a second. */
  sample(): void {
    this.#forgetAfterGap();
    const { httpBytes: http, p2pBytes: peers, uploadBytes: sent } = this.#stats;
    this.#bytes.push({ http, peers, sent });
    if (this.#bytes.length > RATE_WINDOW_S + 1) this.#bytes.shift();
    const first = this.#bytes[0] ?? { http, peers, sent };
    const seconds = Math.max(1, this.#bytes.length - 1);
    const rate = (now: number, then: number) => ((now - then) * 8) / 1e6 / seconds;
    this.rates.push({
      http: rate(http, first.http),
      peers: rate(peers, first.peers),
      sent: rate(sent, first.sent),
    });
    if (this.rates.length > HISTORY_S) this.rates.shift();
  }

  /** Browsers slow down the clock of a page that nobody sees, and machines sleep: what came in such
   * a while is no second's. */
  #forgetAfterGap(): void {
    const now = performance.now();
    if (now - this.#sampledAtMs > HISTORY_GAP_MS) {
      this.#bytes.length = 0;
      this.rates.length = 0;
    }
    this.#sampledAtMs = now;
  }
}
