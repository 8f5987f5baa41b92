// The streams may have a port of their own beside the page's. The page finds it on whatever host it
// came from itself, plays from there, and its viewers meet and check each other as ever.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, Viewer } from "./support/browser.mjs";
import { startAll, TESTCARD } from "./support/product.mjs";

const PLAYED_S = 12; // what was fetched before the two met, and some segments more

let browser, product;

before(async () => {
  const listen = { host: "127.0.0.1", port: 0 };
  product = await startAll({}, { origin: { ...TESTCARD, listen } });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

test("viewers play from a port of the streams' own, and share", async () => {
  const port = new URL(product.address.stream).port;
  assert.notEqual(port, new URL(product.address.player).port);
  const viewers = await Promise.all(
    ["first", "second"].map((name) => Viewer.open(browser, name, [product])),
  );
  await Promise.all(viewers.map((viewer) => viewer.untilPeers(1)));
  await Promise.all(viewers.map((viewer) => viewer.play(PLAYED_S)));
  for (const viewer of viewers) {
    const look = await viewer.look();
    assert.ok(look.httpBytes > 0 && look.p2pBytes > 0, JSON.stringify(look));
    const ports = await viewer.page.evaluate(() => {
      const files = performance.getEntriesByType("resource").map(({ name }) => new URL(name));
      const ofStreams = files.filter(({ pathname }) => pathname.startsWith("/live/"));
      return [...new Set(ofStreams.map(({ port }) => port))];
    });
    assert.deepEqual(ports, [port]);
  }
});
