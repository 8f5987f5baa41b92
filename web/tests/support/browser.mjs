// Viewers: Chromium, one browser context each, and waits that say what they waited for and what
// they saw instead. Screenshots go to `SCREENSHOTS`, or to `screenshots/` beside the tests.
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--autoplay-policy=no-user-gesture-required",
  // Several windows, one screen: a covered window must play as well as the one in front.
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
];

const SCREENSHOTS = process.env.SCREENSHOTS ?? resolve(import.meta.dirname, "../screenshots");
const POLL_MS = 100;
const CONSOLE_LINES_KEPT = 20;

export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

export function launch(flags = [], executablePath = CHROMIUM) {
  return chromium.launch({ executablePath, args: [...FLAGS, ...flags] });
}

/** One viewer of the page, or a page of a test's own. */
export class Viewer {
  #console = [];

  constructor(name, page, products) {
    this.name = name;
    this.page = page;
    this.products = products;
    const keep = (line) => {
      this.#console.push(line);
      if (this.#console.length > CONSOLE_LINES_KEPT) this.#console.shift();
    };
    page.on("console", (message) => keep(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => keep(`uncaught: ${error.message}`));
  }

  /** `init` runs in the page before any script of the page; `query` is added to its address. */
  static async open(browser, name, products, { url, query = {}, init, context: options } = {}) {
    const context = await browser.newContext({ viewport: { width: 900, height: 900 }, ...options });
    const page = await context.newPage();
    if (init !== undefined) await page.addInitScript(init);
    const viewer = new Viewer(name, page, products);
    const address = new URL(url ?? products[0].address.player);
    for (const [key, value] of Object.entries(query)) address.searchParams.set(key, value);
    await page.goto(address.href);
    return viewer;
  }

  /** What the page complained of lately. */
  get errors() {
    return this.#console.filter((line) => /^(error|uncaught):/.test(line));
  }

  /** `window.__p2pStats` and what the video element says, in one look. */
  look() {
    return this.page.evaluate(() => {
      const video = document.getElementById("video");
      return {
        ...window.__p2pStats,
        playedS: [...Array(video.played.length).keys()].reduce(
          (sum, i) => sum + video.played.end(i) - video.played.start(i),
          0,
        ),
        width: video.videoWidth,
        streamState: document.getElementById("stream-state").textContent,
        trackerLink: document.getElementById("tracker-link").textContent,
      };
    });
  }

  /** Waits until `condition(argument)`, evaluated in the page, is true. */
  async until(what, condition, argument, timeoutMs = 30_000) {
    try {
      await this.page.waitForFunction(condition, argument, {
        timeout: timeoutMs,
        polling: POLL_MS,
      });
    } catch (error) {
      const seen = await this.look().catch((why) => `a page that doesn't answer: ${why.message}`);
      throw new Error(
        `${this.name} waited ${timeoutMs} ms for ${what} (${error.message.split("\n")[0]}), saw ` +
          `${JSON.stringify(seen)}\n--- console:\n${this.#console.join("\n")}\n` +
          this.products.map((product) => product.log).join("\n"),
      );
    }
  }

  /** Waits until `seconds` more of the stream were played: for progress, not for time. */
  async play(seconds, timeoutMs = 2_000 * seconds + 20_000) {
    const { playedS } = await this.look();
    const goal = playedS + seconds;
    const reached = (goalS) => {
      const { played } = document.getElementById("video");
      let sum = 0;
      for (let i = 0; i < played.length; i += 1) sum += played.end(i) - played.start(i);
      return sum >= goalS;
    };
    await this.until(`${seconds} s more of the stream to be played`, reached, goal, timeoutMs);
  }

  /** Waits for a picture of so many pixels across: streams are told apart by it. */
  untilWidth(pixels, timeoutMs) {
    const isSo = (wanted) => document.getElementById("video").videoWidth === wanted;
    return this.until(`a picture ${pixels} pixels wide`, isSo, pixels, timeoutMs);
  }

  untilPeers(count, timeoutMs) {
    const enough = (wanted) => window.__p2pStats.peersNow >= wanted;
    return this.until(`${count} peers`, enough, count, timeoutMs);
  }

  /** More bytes of one kind (`p2pBytes`, `httpBytes`) than there are in `before`. */
  untilMore(kind, before, timeoutMs) {
    const grew = ([key, bytes]) => window.__p2pStats[key] > bytes;
    return this.until(`more ${kind} than ${before[kind]}`, grew, [kind, before[kind]], timeoutMs);
  }

  untilTrackerLink(state, timeoutMs) {
    const shown = (wanted) => document.getElementById("tracker-link").textContent === wanted;
    return this.until(`the tracker link to be shown as ${state}`, shown, state, timeoutMs);
  }

  screenshot(name) {
    return screenshot(this.page, name);
  }

  close() {
    return this.page.context().close();
  }
}

export async function screenshot(page, name, folder = SCREENSHOTS) {
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
