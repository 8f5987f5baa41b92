// Peer to peer is an addition: with any part of it gone, before or in mid-play, the stream plays on
// over HTTP and nobody sees a stall. Each fault is made for real, to two viewers that shared until
// then.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNoStall } from "./support/expect.mjs";
import { closedPort, startTracker } from "./support/product.mjs";
import { setStage } from "./support/stage.mjs";

const AFTER_FAULT_S = 16; // eight segments: more than what was buffered when the fault struck

const stage = setStage();

test("without WebRTC the stream plays over HTTP", async () => {
  const init = () => {
    for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "RTCDataChannel"]) {
      delete window[name];
    }
  };
  const viewer = await stage.viewer("a viewer without WebRTC", { init });
  await viewer.play(2);
  await playsOnOverHttp([viewer], "no-webrtc", async () => {});
  const { p2pBytes, peersEver, trackerLink } = await viewer.look();
  assert.deepEqual(
    { p2pBytes, peersEver, trackerLink },
    { p2pBytes: 0, peersEver: 0, trackerLink: "not in use" },
  );
  await viewer.page.context().close();
});

test("with every peer connection cut in mid-play the stream plays on", async () => {
  const viewers = await sharingPair({ init: recordPeerConnections });
  await playsOnOverHttp(viewers, "peers-cut", async () => {
    await Promise.all(viewers.map(({ page }) => page.evaluate(() => window.cutPeerConnections())));
    const alone = () => window.__p2pStats.peersNow === 0;
    await Promise.all(viewers.map((viewer) => viewer.until("its peers to be gone", alone)));
  });
  await closeAll(viewers);
});

test("with the tracker killed in mid-play the stream plays on", async () => {
  const tracker = await startTracker();
  try {
    const viewers = await sharingPair({ query: { tracker: tracker.address.tracker } }, [tracker]);
    await playsOnOverHttp(viewers, "tracker-killed", async () => {
      await tracker.kill();
      await Promise.all(viewers.map((viewer) => viewer.untilTrackerLink("lost")));
    });
    await closeAll(viewers);
  } finally {
    await tracker.stop();
  }
});

test("with a tracker that was never up the stream plays", async () => {
  const query = { tracker: `ws://127.0.0.1:${await closedPort()}/` };
  const viewer = await stage.viewer("a viewer without a tracker", { query });
  await viewer.untilTrackerLink("lost");
  await viewer.play(2);
  await playsOnOverHttp([viewer], "tracker-never-up", async () => {});
  await viewer.page.context().close();
});

for (const [p2p, how] of [
  ["0", "over HTTP alone"],
  ["1", "with peer to peer"],
]) {
  test(`a stream that goes away is waited for, and its stall told as it was, ${how}`, () =>
    outage(p2p));
}

async function outage(p2p) {
  const viewer = await stage.viewer("a viewer of an outage", { query: { p2p } });
  await viewer.play(2);
  assertNoStall(await viewer.look(), viewer.name);
  await viewer.page.evaluate(measureFrameGaps);

  await viewer.page.context().setOffline(true);
  const stalled = () => window.__p2pStats.stalls.some(({ ms }) => ms > 2_000);
  await viewer.until("a stall of 2 s, once the buffer is empty", stalled, null, 60_000);
  await viewer.screenshot(`stream-away-p2p-${p2p}`);
  await viewer.page.context().setOffline(false);
  await viewer.play(4, 60_000);

  const { stalls } = await viewer.look();
  const toldMs = Math.max(...stalls.map(({ ms }) => ms));
  const seenMs = await viewer.page.evaluate(() => window.longestFrameGapMs);
  // The picture stands a little longer than the clock: a busy machine draws its first frame late.
  const honest = toldMs <= seenMs + 250 && toldMs >= 0.75 * seenMs;
  assert.ok(honest, `the page told ${toldMs} ms, frames were ${seenMs} ms apart`);
  await viewer.page.context().close();
}

/** Two viewers that have each other, and bytes from each other. */
async function sharingPair(options, others = []) {
  const open = (i) => stage.viewer(`viewer ${i}`, options, others);
  const viewers = await Promise.all([open(1), open(2)]);
  await Promise.all(viewers.map((viewer) => viewer.untilPeers(1)));
  await Promise.all(viewers.map((viewer) => viewer.untilMore("p2pBytes", { p2pBytes: 0 })));
  await Promise.all(viewers.map((viewer) => viewer.play(2)));
  return viewers;
}

/** From the fault on, every viewer plays eight more segments, by HTTP too, without a stall. */
async function playsOnOverHttp(viewers, name, fault) {
  await fault();
  const before = await Promise.all(viewers.map((viewer) => viewer.look()));
  await Promise.all(viewers.map((viewer) => viewer.play(AFTER_FAULT_S)));
  await Promise.all(viewers.map((viewer, i) => viewer.untilMore("httpBytes", before[i])));
  for (const [i, viewer] of viewers.entries()) {
    const look = await viewer.look();
    await viewer.screenshot(viewers.length === 1 ? name : `${name}-${i + 1}`);
    assert.equal(look.engine, "hls.js");
    assert.equal(look.streamState, "Live");
    assertNoStall(look, viewer.name);
  }
}

function closeAll(viewers) {
  return Promise.all(viewers.map(({ page }) => page.context().close()));
}

/** In the page: connections can be cut, and later ones find no way, as behind a firewall. */
function recordPeerConnections() {
  const connections = new Set();
  let cut = false;
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(config) {
      super(cut ? { ...config, iceServers: [], iceTransportPolicy: "relay" } : config);
      connections.add(this);
    }
  };
  window.cutPeerConnections = () => {
    cut = true;
    for (const connection of connections) connection.close();
  };
}

/** In the page: a second opinion on stalls, from the frames that reached the screen. */
function measureFrameGaps() {
  const video = document.getElementById("video");
  let lastMs = null;
  window.longestFrameGapMs = 0;
  const onFrame = (nowMs) => {
    if (lastMs !== null)
      window.longestFrameGapMs = Math.max(window.longestFrameGapMs, nowMs - lastMs);
    lastMs = nowMs;
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);
}
