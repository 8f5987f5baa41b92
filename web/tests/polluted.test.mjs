// A viewer who sends others what the origin never made: they notice by its digest, throw it away,
// and play what comes over HTTP. Two viewers, of whom one garbles all that leaves its browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNoStall } from "./support/expect.mjs";
import { setStage } from "./support/stage.mjs";

const WATCHED_S = 30; // fifteen segments, of which the first few come before the two have met

const stage = setStage();

test("garbled segments are refused, counted, and come over HTTP without a stall", async () => {
  const polluter = await stage.viewer("polluter", { init: garbleWhatIsSent });
  await polluter.play(4);
  const viewer = await stage.viewer("viewer");
  await viewer.untilPeers(1);
  await viewer.until("a refused segment", () => window.__p2pStats.refused > 0, undefined, 60_000);
  const before = await viewer.look();
  await viewer.play(WATCHED_S);
  const after = await viewer.look();
  await viewer.screenshot("polluted");

  assert.ok(after.httpBytes > before.httpBytes, JSON.stringify({ before, after }));
  assertNoStall(after, "the viewer");
  // What the viewer sends is as it should be, and the polluter takes it.
  const { refused } = await polluter.look();
  assert.equal(refused, 0);
  assert.ok(await polluter.page.evaluate(() => window.__garbled > 0), "nothing was garbled");
});

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
