// What the product is for: viewers of one stream get most of it from each other, and nobody sees a
// stall. The real tracker, the real origin, one machine. Each share is a little below what is
// possible, (n-1)/n: `node --test --test-name-pattern="8 viewers" sharing.test.mjs` is one of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sum } from "./support/expect.mjs";
import { setStage } from "./support/stage.mjs";
import { assertShared, MET_MAX, watchTogether } from "./support/together.mjs";

const SHARES = [
  { viewers: 2, share: 0.45 },
  { viewers: 4, share: 0.68 },
  { viewers: 8, share: 0.8 },
];

const SEGMENT_BYTES_MAX = 300_000; // of picture and sound, 2 s at 1.1 Mbit/s

const stage = setStage();

for (const { viewers: count, share } of SHARES) {
  const name = `${count} viewers get ${100 * share} % of the stream from each other`;
  test(`${name}, without a stall`, async (t) => {
    const names = Array.from({ length: count }, (_, i) => `viewer ${i + 1}`);
    const viewers = await Promise.all(names.map((name) => stage.viewer(name)));
    t.after(() => Promise.all(viewers.map((viewer) => viewer.close())));
    const seen = await watchTogether(viewers);
    await viewers[0].screenshot(`sharing-${count}`);
    assertShared(seen, share);
    seen.end.forEach((look, i) => {
      assert.equal(look.engine, "hls.js");
      // Of two, the one nearer to live may give all and get nothing in the steady state.
      assert.ok(look.p2pBytes > 0, `viewer ${i + 1} got nothing from peers`);
      assert.ok(look.peersEver >= Math.min(count - 1, MET_MAX), JSON.stringify(look));
      assert.ok(look.tFirstPeer > 0, JSON.stringify(look));
      assert.equal(look.trackerLink, "connected");
    });
    await assertCountsAgree(viewers);
  });
}

/** The page's figures against the browser's count of HTTP, and the other pages' uploads. */
async function assertCountsAgree(viewers) {
  const looks = await Promise.all(viewers.map((viewer) => viewer.look()));
  const browsers = await Promise.all(
    viewers.map(({ page }) =>
      page.evaluate(() =>
        performance
          .getEntriesByType("resource")
          .filter(({ name }) => /\/live\/.*\.(ts|m4s|mp4)/.test(name))
          .reduce((bytes, entry) => bytes + entry.encodedBodySize, 0),
      ),
    ),
  );
  looks.forEach((look, i) =>
    assertClose(look.httpBytes, browsers[i], `HTTP bytes of viewer ${i + 1}`),
  );
  assertClose(
    sum(looks, "p2pBytes"),
    sum(looks, "uploadBytes"),
    "bytes received and sent between peers",
  );
}

/** Within 5 %, or a segment that is under way, which the page counts as it comes and the browser at
 * its end; and an aborted one is counted by one side only. */
function assertClose(one, other, what) {
  const close = Math.max(0.05 * Math.max(one, other), SEGMENT_BYTES_MAX);
  assert.ok(Math.abs(one - other) <= close, `${what}: ${one} and ${other}`);
}
