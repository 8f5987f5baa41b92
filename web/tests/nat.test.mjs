// Most viewers sit behind a router that lets nobody in. With this product's STUN server two of them
// share; without one they can't, and nobody's picture depends on it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, Viewer } from "./support/browser.mjs";
import { assertNoStall, sum } from "./support/expect.mjs";
import { Internet, SERVER } from "./support/internet.mjs";
import { startAll, TRACKER } from "./support/product.mjs";
import { assertShared, watchTogether } from "./support/together.mjs";

const PLAYED_S = 30; // as long as those with STUN are watched
const SHARE_MIN = 0.4; // the ceiling for two is a half

let internet;
let product;
const browsers = [];

before(async () => {
  internet = await Internet.open();
  const [listener] = TRACKER.servers;
  const servers = [{ ...listener, server: { ...listener.server, host: SERVER } }];
  const stun = { host: SERVER, port: 0 };
  product = await startAll({}, { servers, stun }, internet.server);
  for (let home = 0; home < 2; home += 1) browsers.push(await launch([], await internet.home()));
});

after(async () => {
  await Promise.all(browsers.map((browser) => browser.close()));
  await product?.stop();
  await internet?.close();
});

test("two viewers behind two routers share by way of the STUN server", async () => {
  const viewers = await open({});
  const seen = await watchTogether(viewers);
  await viewers[0].screenshot("nat");
  await close(viewers);
  assertShared(seen, SHARE_MIN);
  for (const { peers } of seen.end) {
    assert.ok(peers.some(({ path }) => path === "stun"), JSON.stringify(peers));
  }
});

test("without a STUN server they play, and get nothing from each other", async () => {
  const viewers = await open({ stun: "none" });
  await Promise.all(viewers.map((viewer) => viewer.untilTrackerLink("connected")));
  await Promise.all(viewers.map((viewer) => viewer.play(PLAYED_S)));
  const seen = await looks(viewers);
  await close(viewers);
  assert.equal(sum(seen, "p2pBytes"), 0, JSON.stringify(seen));
  seen.forEach((look, i) => {
    assert.equal(look.peersEver, 0);
    assertNoStall(look, `viewer ${i + 1}`);
  });
});

function open(query) {
  const viewer = (browser, i) =>
    Viewer.open(browser, `the viewer in home ${i + 1}`, [product], { query });
  return Promise.all(browsers.map(viewer));
}

function looks(viewers) {
  return Promise.all(viewers.map((viewer) => viewer.look()));
}

function close(viewers) {
  return Promise.all(viewers.map((viewer) => viewer.close()));
}
