// The same segments as DASH: Shaka Player plays the manifest that the origin writes, from one
// period to the next, since each round of the loop is one.
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

test("Shaka jumps over what was never made", async (t) => {
  const origin = await startOrigin(STREAM);
  t.after(() => origin.stop());
  // As if the encoder had been away for one round, which is still to come.
  const missing = (Math.floor(Date.now() / 1000 / ROUND_S) + 2) * ROUND_S * 1000;
  const period = new RegExp(` *<Period id="${missing}"[^]*?</Period>`);
  const viewer = await ShakaViewer.open(browser, manifestOf(origin), origin, (manifest) =>
    manifest.replace(period, ""),
  );
  await viewer.play(4 * ROUND_S);
  const look = await viewer.look();
  assert.deepEqual(look.errors, []);
  const longest = Math.max(...look.stalls.map(({ ms }) => ms));
  assert.ok(longest > 1_000 && longest < (ROUND_S + 2) * 1000, JSON.stringify(look));
});

function manifestOf(origin) {
  return new URL("manifest.mpd", origin.address.stream).href;
}
