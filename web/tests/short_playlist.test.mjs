// A playlist that is shorter than the page would like to be behind live: it plays from the middle,
// and a viewer with whom nobody shares doesn't wait for segments that leave it meanwhile.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, Viewer } from "./support/browser.mjs";
import { startAll } from "./support/product.mjs";

// Two segments behind live an encoder that is late is seen; what is gone was waited for in vain.
const STALL_MAX_MS = 1_000;
const FIRST_FRAME_MAX_MS = 5_000; // the playlist has to have its full length first
const qualities = [{ height: 90, videoKbps: 100 }];
const card = { fps: 10, segmentSeconds: 1, qualities };
const STREAMS = [4, 6].map((playlistSegments) => ({
  name: `card-${playlistSegments}`,
  playlistSegments,
  testcard: card,
}));

let browser, product;

before(async () => {
  product = await startAll({}, { origin: { streams: STREAMS } });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

for (const { name, playlistSegments } of STREAMS) {
  test(`a lonely viewer of a playlist of ${playlistSegments} segments never stands`, async (t) => {
    const viewer = await Viewer.open(browser, name, [product], { query: { stream: name } });
    t.after(() => viewer.close());
    await viewer.play(15);
    const look = await viewer.look();
    const long = look.stalls.filter(({ ms }) => ms > STALL_MAX_MS);
    assert.deepEqual(long, [], JSON.stringify(look));
    assert.ok(look.tFirstFrame < FIRST_FRAME_MAX_MS, JSON.stringify(look));
    assert.equal(look.sharing, "on");
  });
}
