// A viewer who sends others what the origin never made: they notice by its digest, throw it away,
// and play what comes over HTTP. And what the origin made is played, by whatever way it is checked.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { launch, Viewer } from "./support/browser.mjs";
import { assertNoStall } from "./support/expect.mjs";
import { startAll } from "./support/product.mjs";

const WATCHED_S = 30; // fifteen segments, of which the first few come before the two have met
const MEETING_MAX_MS = 60_000;
const CLIP = { streams: [{ name: "clip", loop: {} }] }; // nothing is encoded, on two busy cores
const SOMEBODYS_KEY = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"; // RFC 8037, appendix A

test("garbled segments are refused, counted, and come over HTTP without a stall", async (t) => {
  const { viewer } = await setUp(t, {});
  const polluter = await viewer("polluter", { init: garbleWhatIsSent });
  await polluter.play(4);
  const victim = await viewer("viewer");
  // The peer is hung up on with that, so he may not be seen before.
  await victim.until("a refused segment", isRefused, undefined, MEETING_MAX_MS);
  const before = await victim.look();
  await victim.play(WATCHED_S);
  const after = await victim.look();
  await victim.screenshot("polluted");
  assert.ok((await victim.page.locator("#strip [data-source=refused]").count()) > 0);
  assert.match(
    await victim.page.locator("#notice").textContent(),
    /^\d+ segments? from other viewers/,
  );

  assert.ok(after.httpBytes > before.httpBytes, JSON.stringify({ before, after }));
  assertNoStall(after, "the viewer");
  // What the viewer sends is as it should be, and the polluter takes it.
  const { refused } = await polluter.look();
  assert.equal(refused, 0);
  assert.ok(await polluter.page.evaluate(() => window.__garbled > 0), "nothing was garbled");
});

test("a page accepts what is signed by the key of its own origin", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "key-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const keyFile = join(folder, "key.pem");
  await promisify(execFile)("openssl", ["genpkey", "-algorithm", "ed25519", "-out", keyFile]);
  const { viewer, product } = await setUp(t, { origin: { ...CLIP, integrity: { keyFile } } });
  const settings = await (await fetch(new URL("/player.json", product.address.player))).json();
  assert.match(settings.streams[0].digestsKey, /^[\w-]{43}$/);
  await assertTheyShare(viewer);
});

test("a page that pins another key gets everything over HTTP", async (t) => {
  const url = "/live/clip/index.m3u8";
  const streams = [{ name: "clip", url, digests: "digests.json", digestsKey: SOMEBODYS_KEY }];
  const { viewer } = await setUp(t, { web: { streams } });
  const first = await viewer("viewer 1");
  const second = await viewer("viewer 2");
  const either = await Promise.race(
    [first, second].map(async (one) => {
      await one.until("a refused segment", isRefused, undefined, MEETING_MAX_MS);
      return one;
    }),
  );
  const before = await either.look();
  await either.untilMore("httpBytes", before);
});

test("a page over plain HTTP checks, too", async (t) => {
  const { viewer, product } = await setUp(t, {}, ["--host-resolver-rules=MAP tv.test 127.0.0.1"]);
  const url = product.address.player.replace("127.0.0.1", "tv.test");
  await assertTheyShare(async (name) => {
    const one = await viewer(name, { url });
    assert.equal(await one.page.evaluate(() => globalThis.crypto.subtle), undefined);
    return one;
  });
});

/** The whole product with other sections in its file, and a browser for its viewers. */
async function setUp(t, sections, flags) {
  const product = await startAll({}, { origin: CLIP, ...sections });
  t.after(() => product.stop());
  const browser = await launch(flags);
  t.after(() => browser.close());
  const viewer = (name, options) => Viewer.open(browser, name, [product], options);
  return { product, viewer };
}

/** Two viewers, of whom one at least gets something from the other, and neither refuses anything. */
async function assertTheyShare(viewer) {
  const both = await Promise.all(["viewer 1", "viewer 2"].map((name) => viewer(name)));
  await Promise.all(both.map((one) => one.untilPeers(1)));
  const shared = both.map((one) => one.untilMore("p2pBytes", { p2pBytes: 0 }, MEETING_MAX_MS));
  await Promise.any(shared);
  await Promise.all(both.map((one) => one.play(10)));
  for (const one of both) assert.equal((await one.look()).refused, 0);
}

function isRefused() {
  return window.__p2pStats.refused > 0;
}

/** Runs in the page before anything else. Commands between peers are short, and left alone. */
function garbleWhatIsSent() {
  window.__garbled = 0;
  const send = RTCDataChannel.prototype.send;
  RTCDataChannel.prototype.send = function garble(message) {
    if (typeof message === "string" || message.byteLength < 1_000) return send.call(this, message);
    const bytes = new Uint8Array(message.slice(0));
    bytes[bytes.length - 1] ^= 0xff;
    window.__garbled += 1;
    return send.call(this, bytes);
  };
}
