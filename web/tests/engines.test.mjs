// Two engines and two formats, one swarm: viewers with Shaka share as those with hls.js do, and
// with them, since all of them call the same segments the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setStage } from "./support/stage.mjs";
import { assertShared, watchTogether } from "./support/together.mjs";

const SHARE = 0.45; // of the half that is possible
const HLS = { engine: "hls.js" };
const SHAKA = { engine: "shaka" };
const DASH = { engine: "shaka", format: "dash" };

const stage = setStage();

for (const { name, queries } of [
  { name: "two viewers with Shaka share HLS", queries: [SHAKA, SHAKA] },
  { name: "two viewers with Shaka share DASH", queries: [DASH, DASH] },
  { name: "a viewer with hls.js and one with Shaka share", queries: [HLS, SHAKA] },
  { name: "a viewer of HLS and one of DASH share", queries: [HLS, DASH] },
]) {
  test(name, async (t) => {
    const viewers = await Promise.all(
      queries.map((query, i) => stage.viewer(`viewer ${i + 1}`, { query })),
    );
    t.after(() => Promise.all(viewers.map((viewer) => viewer.close())));
    const seen = await watchTogether(viewers);
    await viewers[1].screenshot(
      `engines-${queries.map(({ engine, format }) => format ?? engine).join("-")}`,
    );
    assertShared(seen, SHARE);
    seen.end.forEach((look, i) => {
      assert.equal(look.engine, queries[i].engine);
      // Who is nearer to live gives, and gets nothing.
      assert.ok(look.p2pBytes + look.uploadBytes > 0, `viewer ${i + 1} shared nothing`);
      assert.deepEqual(viewers[i].errors, []);
    });
  });
}
