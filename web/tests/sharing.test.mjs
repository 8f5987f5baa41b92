// What the product is for: viewers of one stream get most of it from each other, and nobody sees a
// stall. Three viewers, the real tracker, the real origin, one machine.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNoStall, sum } from "./support/expect.mjs";
import { setStage } from "./support/stage.mjs";

const VIEWERS = 3;
const WARM_UP_S = 14; // what was fetched before the peers met has been played by then
const STEADY_S = 16; // eight segments

const stage = setStage();

test("three viewers get at least half of the stream from each other, without a stall", async () => {
  const viewers = await Promise.all(
    Array.from({ length: VIEWERS }, (_, i) => stage.viewer(`viewer ${i + 1}`)),
  );
  await Promise.all(viewers.map((viewer) => viewer.untilPeers(VIEWERS - 1)));
  await Promise.all(viewers.map((viewer) => viewer.play(WARM_UP_S)));
  const start = await Promise.all(viewers.map((viewer) => viewer.look()));

  await Promise.all(viewers.map((viewer) => viewer.play(STEADY_S)));
  const end = await Promise.all(viewers.map((viewer) => viewer.look()));
  await Promise.all(viewers.map((viewer, i) => viewer.screenshot(`sharing-${i + 1}`)));

  const p2p = sum(end, "p2pBytes") - sum(start, "p2pBytes");
  const http = sum(end, "httpBytes") - sum(start, "httpBytes");
  const share = p2p / (p2p + http);
  console.log(
    `${(100 * share).toFixed(1)} % from peers over ${STEADY_S} s (${p2p} of ${p2p + http} bytes)`,
  );
  assert.ok(
    share >= 0.5,
    `${(100 * share).toFixed(1)} % from peers: ${JSON.stringify({ start, end })}`,
  );
  end.forEach((look, i) => {
    assert.equal(look.engine, "hls.js");
    assert.ok(look.p2pBytes > start[i].p2pBytes, `viewer ${i + 1} got nothing from peers`);
    assert.ok(look.peersEver >= VIEWERS - 1 && look.tFirstPeer > 0, JSON.stringify(look));
    assert.equal(look.trackerLink, "connected");
    assertNoStall(look, `viewer ${i + 1}`);
  });
  await assertCountsAgree(viewers);
});

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

/** Within 5 %: a segment may be under way, and an aborted one is counted by one side only. */
function assertClose(one, other, what) {
  assert.ok(Math.abs(one - other) <= 0.05 * Math.max(one, other), `${what}: ${one} and ${other}`);
}
