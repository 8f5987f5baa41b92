// Most viewers sit behind a router that lets nobody in. With this product's STUN server two of them
// share; without one they can't, and nobody's picture depends on it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, Viewer } from "./support/browser.mjs";
import { assertNoStall, sum } from "./support/expect.mjs";
import { Internet, SERVER } from "./support/internet.mjs";
import { startAll, TRACKER } from "./support/product.mjs";

const WARM_UP_S = 14; // what was fetched before the peers met has been played by then
const STEADY_S = 16; // eight segments
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
  await Promise.all(viewers.map((viewer) => viewer.untilPeers(1)));
  await Promise.all(viewers.map((viewer) => viewer.play(WARM_UP_S)));
  const start = await looks(viewers);
  await Promise.all(viewers.map((viewer) => viewer.play(STEADY_S)));
  const end = await looks(viewers);
  await viewers[0].screenshot("nat");
  await close(viewers);

  const p2p = sum(end, "p2pBytes") - sum(start, "p2pBytes");
  const http = sum(end, "httpBytes") - sum(start, "httpBytes");
  const share = p2p / (p2p + http);
  console.log(`${(100 * share).toFixed(1)} % from peers through two routers`);
  assert.ok(share >= SHARE_MIN, `${share}: ${JSON.stringify({ start, end })}`);
  end.forEach((look, i) => assertNoStall(look, `viewer ${i + 1}`));
});

test("without a STUN server they play, and get nothing from each other", async () => {
  const viewers = await open({ stun: "none" });
  await Promise.all(viewers.map((viewer) => viewer.untilTrackerLink("connected")));
  await Promise.all(viewers.map((viewer) => viewer.play(WARM_UP_S + STEADY_S)));
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
  return Promise.all(viewers.map(({ page }) => page.context().close()));
}
