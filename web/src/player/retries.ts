// Tries again what has failed, however often, with waits that grow: nothing that is away gets a
// crowd of requests when it comes back, and what was away for a moment is soon there again.
import { RETRY_FIRST_MS, RETRY_MAX_MS } from "./limits";

export class Retries {
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** How often in a row it has failed. */
  get failures(): number {
    return this.#failures;
  }

  wentWell(): void {
    this.#failures = 0;
  }

  /** It has failed once more: `again` runs after a wait, instead of what else waits for that. */
  failed(again: () => void): void {
    const waitMs = Math.min(RETRY_FIRST_MS * 2 ** this.#failures, RETRY_MAX_MS);
    this.#failures += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(again, waitMs);
  }
}
