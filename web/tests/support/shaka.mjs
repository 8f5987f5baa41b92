// A viewer with Shaka Player on a page of the tests' own: it plays DASH, and says what it saw.
import { join } from "node:path";
import { screenshot } from "./browser.mjs";

const PLAYER = join(import.meta.dirname, "../node_modules/shaka-player/dist");
const POLL_MS = 100;
const EMPTY_PAGE =
  '<!doctype html><meta charset="utf-8"><video id="video" muted playsinline width="640"></video>';

export class ShakaViewer {
  #page;
  #product;

  constructor(page, product) {
    this.#page = page;
    this.#product = product;
  }

  /** Plays `manifest`, an address, from its live edge; each version of it as `edit` leaves it. */
  static async open(browser, manifest, product, edit = undefined) {
    const context = await browser.newContext({ viewport: { width: 700, height: 450 } });
    const page = await context.newPage();
    const address = new URL("/shaka.html", manifest).href;
    await page.route(address, (route) =>
      route.fulfill({ contentType: "text/html", body: EMPTY_PAGE }),
    );
    if (edit !== undefined) {
      await page.route(manifest, async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, body: edit(await response.text()) });
      });
    }
    await page.goto(address);
    await page.addScriptTag({ path: join(PLAYER, "shaka-player.dash.js") });
    await page.evaluate(watch, manifest);
    return new ShakaViewer(page, product);
  }

  /** `{ playedS, width, stalls: [{ at, ms }], errors, periods }`. */
  look() {
    return this.#page.evaluate(() => window.__look());
  }

  /** Waits until `seconds` more were played. */
  async play(seconds, timeoutMs = 2_000 * seconds + 20_000) {
    const { playedS } = await this.look();
    const reached = (goalS) => window.__look().playedS >= goalS;
    try {
      await this.#page.waitForFunction(reached, playedS + seconds, {
        timeout: timeoutMs,
        polling: POLL_MS,
      });
    } catch {
      const seen = JSON.stringify(await this.look());
      const what = `not ${seconds} s more within ${timeoutMs} ms`;
      throw new Error(`${what}: ${seen}\n${this.#product.log}`);
    }
  }

  screenshot(name) {
    return screenshot(this.#page, name);
  }

  close() {
    return this.#page.context().close();
  }
}

/** Runs in the page. Stalls are measured as the product's page does it: the clock of the video
 * against the clock on the wall, from the first frame on. */
async function watch(manifest) {
  const SAMPLE_MS = 50;
  const video = document.getElementById("video");
  const [errors, stalls] = [[], []];
  let periods = 0;
  let playedS = 0;
  let last = null;
  let stall = null;
  const sample = () => {
    const now = { wallMs: performance.now(), mediaMs: video.currentTime * 1000 };
    if (last !== null && !video.paused) {
      const wallMs = now.wallMs - last.wallMs;
      // A jump is no playing.
      const playedMs = video.seeking ? 0 : Math.max(0, now.mediaMs - last.mediaMs);
      playedS += Math.min(playedMs, 2 * wallMs) / 1000;
      if (wallMs - playedMs <= SAMPLE_MS / 2) stall = null;
      else {
        if (stall === null) stalls.push((stall = { at: Math.round(last.wallMs), ms: 0 }));
        stall.ms += wallMs - playedMs;
      }
    }
    last = now;
  };
  video.requestVideoFrameCallback(() => setInterval(sample, SAMPLE_MS));
  window.__look = () => ({
    playedS,
    errors,
    stalls: stalls.filter(({ ms }) => ms > 80),
    periods,
    width: video.videoWidth,
    position: video.currentTime,
    buffered: [...Array(video.buffered.length).keys()].map((i) => [
      video.buffered.start(i),
      video.buffered.end(i),
    ]),
  });
  const { shaka } = window;
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  await player.attach(video);
  const tell = ({ detail }) => errors.push(`${detail.code} ${detail.message}`);
  player.addEventListener("error", tell);
  player.addEventListener("manifestupdated", () => (periods = player.getManifest().periodCount));
  try {
    await player.load(manifest);
    await video.play();
  } catch (error) {
    errors.push(`${error.code ?? ""} ${error.message}`);
  }
}
