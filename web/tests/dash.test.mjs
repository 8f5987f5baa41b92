// The same segments as DASH: Shaka Player plays the manifest that the origin writes, from one period
// to the next, since each round of the loop is one.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./support/browser.mjs";
import { assertNoStall } from "./support/expect.mjs";
import { startOrigin } from "./support/product.mjs";
import { ShakaViewer } from "./support/shaka.mjs";

const ROUND_S = 8;
const STREAM = { streams: [{ name: "clip", loop: {} }] };

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

test("Shaka plays from period to period without a stall", async (t) => {
  const origin = await startOrigin(STREAM);
  t.after(() => origin.stop());
  const viewer = await ShakaViewer.open(browser, manifestOf(origin), origin);
  await viewer.play(3 * ROUND_S);
  const look = await viewer.look();
  assert.ok(look.periods > 1, JSON.stringify(look));
  assert.deepEqual(look.errors, []);
  assertNoStall(look, "the viewer");
});

test("Shaka plays on when the origin is started again", async (t) => {
  let origin = await startOrigin(STREAM);
  t.after(() => origin.stop());
  const viewer = await ShakaViewer.open(browser, manifestOf(origin), origin);
  await viewer.play(4);
  const { port } = new URL(origin.address.stream);
  await origin.kill();
  origin = await startOrigin({ ...STREAM, listen: { host: "127.0.0.1", port: Number(port) } });
  await viewer.play(3 * ROUND_S);
  const look = await viewer.look();
  // That it was away for a moment is told, and passes.
  assert.deepEqual(look.errors.filter((error) => !error.startsWith("1002 ")), []);
  assertNoStall(look, "the viewer");
});

function manifestOf(origin) {
  return new URL("manifest.mpd", origin.address.stream).href;
}
