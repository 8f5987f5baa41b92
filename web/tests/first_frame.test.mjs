// How soon there is a picture: from navigation to the first frame on the screen, with nothing in
// the browser's cache. The median of five, for a viewer who is alone, and for one who comes later.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setStage } from "./support/stage.mjs";

const TIMES = 5;
const ALONE_MAX_MS = 2_500;
const NEXT_MAX_MS = 1_200;

const stage = setStage();

test("a first viewer sees a picture within 2.5 s", async () => {
  // A stream that is just starting has other reasons to let viewers wait.
  const earlier = await stage.viewer("an earlier viewer");
  await earlier.play(6);
  await earlier.close();
  await assertMedian("alone", ALONE_MAX_MS);
});

test("the next one sees it within 1.2 s", async (t) => {
  const first = await stage.viewer("the first viewer");
  t.after(() => first.close());
  await first.play(6);
  await assertMedian("next", NEXT_MAX_MS);
});

async function assertMedian(name, maxMs) {
  const times = [];
  for (let i = 0; i < TIMES; i += 1) {
    const viewer = await stage.viewer(`${name} ${i + 1}`);
    await viewer.play(1);
    times.push((await viewer.look()).tFirstFrame);
    await viewer.close();
  }
  const median = times.toSorted((one, other) => one - other)[(TIMES - 1) / 2];
  console.log(`${name}: a first frame after ${median} ms, of ${times.join(", ")}`);
  assert.ok(median <= maxMs, `${median} ms, of ${times.join(", ")}`);
}
