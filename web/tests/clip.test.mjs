// A machine without ffmpeg shows something all the same: the same address plays a shipped clip, over
// and over. Each round has timestamps of its own, and a player must not stumble where one ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNoStall } from "./support/expect.mjs";
import { setStage } from "./support/stage.mjs";

const CLIP_S = 8; // four segments
const NO_PROGRAMS = { PATH: "/nonexistent" };

const stage = setStage(NO_PROGRAMS);

test("without ffmpeg a clip plays on across the ends of its rounds", async () => {
  const viewer = await stage.viewer("viewer");
  await viewer.play(2 * CLIP_S + 2);
  const look = await viewer.look();
  await viewer.screenshot("clip");
  assertNoStall(look, "the viewer");
  assert.match(stage.log(), /apt install ffmpeg/);
});
