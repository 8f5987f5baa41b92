// Stalls as a viewer has them: stretches in which playback should have gone on and the playback
// clock stood still. Every 50 ms the clock (`currentTime`) is compared with the wall clock; what it
// fell behind is the stall, exact to the clock itself even when the page's own timers run late.
//
// What counts: everything after the first frame, the wait after a jump too, whoever asked for the
// jump. What doesn't: a pause, the end, and a hidden tab, where browsers stop pictures and timers
// as they like. A dropped frame is no stall: the clock goes on.
import { STALL_MIN_MS, STALL_SAMPLE_MS, STALLS_KEPT_MAX } from "./limits";
import type { Stall, Stats } from "./stats";

interface Sample {
  wallMs: number;
  mediaMs: number;
}

/** Writes when a video's first picture came, and its stalls while they last. */
export class StallMeter {
  readonly #video: HTMLVideoElement;
  readonly #stats: Stats;
  /** The last comparison, or null when there is nothing to compare with. */
  #last: Sample | null = null;
  /** What the clock lost in the sample before: the start of a stall that begins now. */
  #lostBeforeMs = 0;
  #open: Stall | null = null;
  #jumped = false;
  #firstFrameShown = false;

  constructor(video: HTMLVideoElement, stats: Stats) {
    this.#video = video;
    this.#stats = stats;
  }

  start(): void {
    this.#onFirstFrame(() => {
      this.#firstFrameShown = true;
      this.#stats.tFirstFrame = Math.round(performance.now());
    });
    this.#video.addEventListener("seeking", () => (this.#jumped = true));
    document.addEventListener("visibilitychange", () => this.#forget());
    setInterval(() => this.#sample(), STALL_SAMPLE_MS);
  }

  /** The first picture on the screen, or the clock's first move in browsers that don't tell. */
  #onFirstFrame(shown: () => void): void {
    if ("requestVideoFrameCallback" in this.#video) this.#video.requestVideoFrameCallback(shown);
    else (this.#video as HTMLVideoElement).addEventListener("timeupdate", shown, { once: true });
  }

  #sample(): void {
    if (!this.#shouldPlay()) return this.#forget();
    const now = { wallMs: performance.now(), mediaMs: this.#video.currentTime * 1000 };
    const last = this.#last;
    this.#last = now;
    if (last !== null) this.#compare(last, now);
  }

  #shouldPlay(): boolean {
    const { paused, ended } = this.#video;
    return this.#firstFrameShown && !paused && !ended && document.visibilityState === "visible";
  }

  #compare(last: Sample, now: Sample): void {
    const wallMs = now.wallMs - last.wallMs;
    // A jump moves the clock without playing: nothing of this sample was played. A clock that ran
    // backwards was set anew with the video's source, and makes up for nothing.
    const jumped = this.#jumped || this.#video.seeking || now.mediaMs < last.mediaMs;
    const playedMs = jumped ? 0 : (now.mediaMs - last.mediaMs) / this.#video.playbackRate;
    const lostMs = Math.max(0, wallMs - playedMs);
    this.#jumped = false;

    if (lostMs > STALL_SAMPLE_MS / 2) {
      this.#open ??= { at: last.wallMs - this.#lostBeforeMs, ms: this.#lostBeforeMs };
      this.#open.ms += lostMs;
      this.#record(this.#open);
    } else if (this.#open !== null) {
      this.#open.ms += lostMs;
      this.#open = null;
    }
    this.#lostBeforeMs = lostMs;
  }

  #record(stall: Stall): void {
    if (stall.ms < STALL_MIN_MS || this.#stats.stalls.at(-1) === stall) return;
    this.#stats.stalls.push(stall);
    if (this.#stats.stalls.length > STALLS_KEPT_MAX) this.#stats.stalls.shift();
  }

  #forget(): void {
    this.#last = null;
    this.#lostBeforeMs = 0;
    this.#open = null;
    this.#jumped = false;
  }
}
