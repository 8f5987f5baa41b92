// One stream, two nodes, and a real nats-server between them: who comes to one node shares the video
// with who came to the other, and goes on sharing it when NATS is gone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, Viewer } from "./support/browser.mjs";
import { assertNoStall, sum } from "./support/expect.mjs";
import { Nats } from "./support/nats.mjs";
import { startAll, startNode } from "./support/product.mjs";
import { assertShared, watchTogether } from "./support/together.mjs";

const SHARE_MIN = 0.45; // the ceiling for two is a half
const ALONE_S = 10; // what is played after NATS has gone

let browser, nats;
const nodes = [];

before(async () => {
  nats = await Nats.start();
  const cluster = (node) => ({ servers: nats.url, node });
  nodes.push(await startAll({}, { cluster: cluster("one") }));
  const streams = [{ name: "testcard", url: nodes[0].address.stream }];
  nodes.push(await startNode({ cluster: cluster("two"), web: { streams } }));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await Promise.all(nodes.map((node) => node.stop()));
  await nats?.stop();
});

test("viewers on two nodes share, and go on when NATS is gone", async (t) => {
  const viewers = await Promise.all(
    nodes.map((node, i) => Viewer.open(browser, `the viewer on node ${i + 1}`, [node])),
  );
  t.after(() => Promise.all(viewers.map((viewer) => viewer.close())));
  const seen = await watchTogether(viewers);
  assertShared(seen, SHARE_MIN);

  await nats.stop();
  await Promise.all(viewers.map((viewer) => viewer.play(ALONE_S)));
  const end = await Promise.all(viewers.map((viewer) => viewer.look()));
  await viewers[1].screenshot("cluster");
  assert.ok(sum(end, "p2pBytes") > sum(seen.end, "p2pBytes"), JSON.stringify(end));
  end.forEach((look, i) => {
    assertNoStall(look, `the viewer on node ${i + 1}`);
    assert.equal(look.trackerLink, "connected");
    assert.equal(look.peersEver, 1);
  });
});
