// What the page promises whoever opens it: it is small, asks nobody else, can be read by anybody,
// says what is the matter, and shares only as it may.
import assert from "node:assert/strict";
import { get } from "node:http";
import { after, before, describe, test } from "node:test";
import { assertAccessible } from "./support/accessibility.mjs";
import { launch, Viewer } from "./support/browser.mjs";
import { closedPort, startAll, startOrigin } from "./support/product.mjs";

const SCRIPT_BYTES_MAX = 260_000; // gzipped, with hls.js
const CLIP = { streams: [{ name: "clip", loop: {} }] }; // nothing is encoded, on two busy cores
const PHONE = { width: 390, height: 844 };

let browser, product;

before(async () => {
  product = await startAll({}, { origin: CLIP });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

/** A viewer of the clip, gone after the test. */
async function open(t, options = {}, of = product) {
  const viewer = await Viewer.open(browser, "viewer", [of], options);
  t.after(() => viewer.close());
  return viewer;
}

test("the first load is small, from this host alone, and within its own policy", async (t) => {
  const init = () => {
    window.__violations = [];
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      window.__violations.push(`${violatedDirective} ${blockedURI}`),
    );
  };
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.addInitScript(init);
  const requests = [];
  page.on("request", (request) => requests.push([request.resourceType(), request.url()]));
  const viewer = new Viewer("viewer", page, [product]);
  await page.goto(product.address.player);
  await viewer.play(4);

  const { host } = new URL(product.address.player);
  const loaded = requests.filter(([, url]) => !url.startsWith("blob:"));
  assert.deepEqual(
    loaded.filter(([, url]) => new URL(url).host !== host),
    [],
  );
  const scripts = [...new Set(loaded.filter(([type]) => type === "script").map(([, url]) => url))];
  const bytes = await Promise.all(scripts.map(gzippedBytes));
  const sum = bytes.reduce((sum, bytes) => sum + bytes, 0);
  console.log(`${(sum / 1000).toFixed(1)} kB of gzipped script in ${scripts.length} files`);
  assert.ok(scripts.length > 1 && sum <= SCRIPT_BYTES_MAX, `${sum}: ${scripts}`);
  assert.ok(!scripts.some((url) => url.includes("shaka")), `${scripts}`);
  // The controls are there: their styles are what the policy could forbid.
  const play = page.locator("media-play-button");
  assert.ok((await play.evaluate((button) => button.shadowRoot.styleSheets.length)) > 0);
  assert.deepEqual(await page.evaluate(() => window.__violations), []);
  assert.deepEqual(viewer.errors, []);
});

describe("axe finds nothing serious:", () => {
  for (const [name, context] of [
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["on a phone", { colorScheme: "light", viewport: PHONE, isMobile: true, hasTouch: true }],
  ]) {
    test(name, async (t) => {
      const viewer = await open(t, { context });
      await viewer.play(2);
      await assertAccessible(viewer.page, name);
      const { scrollWidth, clientWidth } = await viewer.page.evaluate(
        () => document.documentElement,
      );
      assert.equal(scrollWidth, clientWidth);
    });
  }
});

test("everything that can be chosen is reached by keyboard", async (t) => {
  const viewer = await open(t);
  await viewer.play(2);
  const reached = new Set();
  for (let i = 0; i < 30; i += 1) {
    await viewer.page.keyboard.press("Tab");
    reached.add(
      await viewer.page.evaluate(() => {
        const { id, localName } = document.activeElement;
        return id === "" ? localName : id;
      }),
    );
  }
  const wanted = ["media-play-button", "media-mute-button", "media-fullscreen-button"];
  for (const id of [...wanted, "sharing", "uploads", "another", "copy", "engine"]) {
    assert.ok(reached.has(id), `${id} isn't among ${[...reached]}`);
  }
});

test("where a browser refuses to start by itself, the page says so and has a button", async (t) => {
  const init = () => {
    const { play } = HTMLMediaElement.prototype;
    let isAsked = false;
    addEventListener("click", () => (isAsked = true), { capture: true });
    HTMLMediaElement.prototype.play = function refusing() {
      if (isAsked) return play.call(this);
      return Promise.reject(new DOMException("not without a gesture", "NotAllowedError"));
    };
  };
  const viewer = await open(t, { init });
  await viewer.page.locator("#play").waitFor({ state: "visible", timeout: 30_000 });
  assert.equal((await viewer.look()).streamState, "Press play to start");
  await viewer.page.locator("#play").click();
  await viewer.play(2);
  assert.equal(await viewer.page.locator("#play").isVisible(), false);
});

test("a stream that can't be decoded is told of", async (t) => {
  const init = () => {
    MediaSource.isTypeSupported = (type) => !type.includes("avc1.6");
  };
  const viewer = await open(t, { init });
  const told = () => document.getElementById("stream-state").textContent.includes("no decoder");
  await viewer.until("a word about the decoder", told);
});

test("a stream that isn't there yet is waited for", async (t) => {
  const port = await closedPort();
  const stream = `http://127.0.0.1:${port}/live/clip/index.m3u8`;
  const viewer = await open(t, { query: { stream } });
  const told = () => document.getElementById("stream-state").textContent.includes("trying again");
  await viewer.until("a word about the stream", told);
  const origin = await startOrigin({ ...CLIP, listen: { host: "127.0.0.1", port } });
  t.after(() => origin.stop());
  await viewer.play(2);
  assert.equal((await viewer.look()).streamState, "Live");
});

test("a viewer shares once he has agreed, where the operator asks", async (t) => {
  const asking = await startAll({}, { origin: CLIP, web: { consent: "ask" } });
  t.after(() => asking.stop());
  const viewer = await open(t, {}, asking);
  await viewer.play(2);
  const before = await viewer.look();
  assert.deepEqual([before.sharing, before.trackerLink], ["ask", "not in use"]);
  await viewer.page.locator("#consent-yes").click();
  await viewer.untilTrackerLink("connected");
  assert.equal((await viewer.look()).sharing, "on");
  assert.equal(await viewer.page.locator("#consent").isVisible(), false);
});

test("on a metered connection nothing is shared until the viewer says so", async (t) => {
  const init = () => {
    const connection = Object.assign(new EventTarget(), { saveData: true });
    Object.defineProperty(navigator, "connection", { value: connection });
  };
  const viewer = await open(t, { init });
  await viewer.play(2);
  const before = await viewer.look();
  assert.deepEqual([before.sharing, before.trackerLink], ["metered", "not in use"]);
  await viewer.page.locator("#sharing").click();
  await viewer.untilTrackerLink("connected");
});

test("a viewer turns peers off in mid-play, and the page remembers it", async (t) => {
  const viewer = await open(t);
  await viewer.play(2);
  await viewer.untilTrackerLink("connected");
  await viewer.page.locator("#sharing").click();
  await viewer.untilTrackerLink("not in use");
  await viewer.play(6);
  assert.deepEqual((await viewer.look()).stalls, []);
  await viewer.page.reload();
  await viewer.play(2);
  assert.equal((await viewer.look()).sharing, "off");
});

test("who refuses to send still receives", async (t) => {
  const [taker, giver] = await Promise.all([open(t), open(t)]);
  await taker.page.locator("#uploads").click();
  await Promise.all([taker.untilPeers(1), giver.untilPeers(1)]);
  await taker.untilMore("p2pBytes", { p2pBytes: 0 }, 60_000);
  await taker.play(4);
  assert.equal((await taker.look()).uploadBytes, 0);
});

test("who may send little sends little", async (t) => {
  const giver = await open(t, { query: { upload: "1" } });
  const taker = await open(t);
  await giver.untilMore("uploadBytes", { uploadBytes: 0 }, 60_000);
  await giver.play(4);
  const { uploadBytes } = await giver.look();
  await Promise.all([giver.play(20), taker.play(20)]);
  assert.equal((await giver.look()).uploadBytes, uploadBytes);
});

test("embedded, there is the picture and nothing around it", async (t) => {
  const viewer = await open(t, { query: { embed: "1" } });
  await viewer.play(2);
  await viewer.screenshot("embedded");
  assert.ok(await viewer.page.locator("#video").isVisible());
  for (const id of ["share", "chart", "graph", "strip", "title"]) {
    assert.equal(await viewer.page.locator(`#${id}`).isVisible(), false, id);
  }
});

/** What a script takes on the wire for a client that knows gzip alone. */
function gzippedBytes(url) {
  return new Promise((done, failed) => {
    get(url, { headers: { "accept-encoding": "gzip" } }, (response) => {
      if (response.headers["content-encoding"] !== "gzip")
        failed(new Error(`${url} isn't gzipped`));
      let bytes = 0;
      response.on("data", (chunk) => (bytes += chunk.length)).on("end", () => done(bytes));
    }).on("error", failed);
  });
}
