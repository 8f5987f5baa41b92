// Every kind of source plays: as HLS on the product's page, and as DASH in Shaka Player. Encoders,
// packagers and an upstream are real, each stream's picture has a width of its own, and what fails
// on their way is a short halt at the most: three target durations.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { launch, Viewer } from "./support/browser.mjs";
import { Encoder } from "./support/encoder.mjs";
import { closedPort, closedUdpPort, ffmpegOf, startAll, startOrigin } from "./support/product.mjs";
import { ShakaViewer } from "./support/shaka.mjs";

const PLAYED_S = 4; // four segments
const BEYOND_BUFFER_S = 10; // more than a viewer has when the fault strikes
const HALT_MAX_TARGETS = 3;
const START_MAX_MS = 30_000;
const AWAY_MS = 6_000; // as long as a viewer's buffer lasts
const AT_ONCE = 3; // viewers; more would take from the encoders what they need to keep up
const TOKEN = "correct-horse-battery";

/** By stream: pixels across, by which a viewer's picture is known as its. */
const WIDTH = {
  card: 160,
  rtmp: 192,
  srt: 224,
  push: 256,
  dir: 288,
  "upstream-hls": 320,
  "upstream-dash": 320,
  loop: 640,
  fallback: 160, // the card's
};
const SLATE_WIDTH = 640;

const card = (height) => ({ fps: 10, segmentSeconds: 1, qualities: [{ height, videoKbps: 100 }] });
const UPSTREAM = { streams: [{ name: "card", testcard: card(180) }] };

let browser, encoders, folder, product, upstream;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sources-test-"));
  upstream = await startOrigin(UPSTREAM);
  const ingest = { listen: true, segmentSeconds: 1, probeSeconds: 1 };
  const rtmp = `rtmp://127.0.0.1:${await closedPort()}/live/s3cr3t`;
  const srt = `srt://127.0.0.1:${await closedUdpPort()}?passphrase=0123456789abc`;
  const pulled = (file) => new URL(`/live/card/${file}`, upstream.address.stream).href;
  const streams = [
    { name: "card", testcard: card(90) },
    { name: "rtmp", ingest: { ...ingest, url: rtmp } },
    { name: "srt", ingest: { ...ingest, url: srt } },
    { name: "push", push: { token: TOKEN } },
    { name: "dir", dir: { folder } },
    { name: "upstream-hls", upstream: { url: pulled("index.m3u8") } },
    { name: "upstream-dash", upstream: { url: pulled("manifest.mpd") } },
    { name: "loop", loop: {} },
    { name: "fallback", fallback: { streams: ["card"] } },
  ];
  product = await startAll({}, { origin: { streams } });
  const hls = "-f hls -hls_time 1 -hls_list_size 8 -hls_flags delete_segments".split(" ");
  const bearer = ["-method", "PUT", "-headers", `Authorization: Bearer ${TOKEN}\r\n`];
  const pushed = new URL("/push/push/index.m3u8", product.address.player).href;
  encoders = {
    rtmp: Encoder.start("rtmp", "192x108", ["-f", "flv", rtmp]),
    srt: Encoder.start("srt", "224x126", ["-f", "mpegts", srt]),
    push: Encoder.start("push", "256x144", [...hls, ...bearer, pushed]),
    dir: Encoder.start("dir", "288x162", [...hls, join(folder, "index.m3u8")]),
  };
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await Promise.all(Object.values(encoders ?? {}).map((encoder) => encoder.stop()));
  await product?.stop();
  await upstream?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("plays in Chromium:", { concurrency: AT_ONCE }, () => {
  for (const [stream, width] of Object.entries(WIDTH)) {
    test(`${stream}, as HLS with hls.js`, async (t) => {
      const viewer = await watch(t, stream);
      await viewer.play(PLAYED_S);
      // Waited for: the fallback begins with its slate where the card is not there yet.
      await viewer.untilWidth(width);
      const look = await viewer.look();
      await viewer.screenshot(`source-${stream}`);
      assert.equal(look.engine, "hls.js");
      assert.equal(look.streamState, "Live");
      assert.deepEqual(viewer.errors, []);
    });
  }

  for (const stream of ["card", "rtmp", "upstream-dash"]) {
    test(`${stream}, as DASH with Shaka`, async (t) => {
      const manifest = await untilServed(stream, "manifest.mpd");
      const viewer = await ShakaViewer.open(browser, manifest, product);
      t.after(() => viewer.close());
      await viewer.play(PLAYED_S);
      const look = await viewer.look();
      await viewer.screenshot(`source-${stream}-dash`);
      assert.equal(look.width, WIDTH[stream]);
      assert.deepEqual(look.errors, []);
    });
  }
});

describe("stands still for three target durations at the most:", { concurrency: true }, () => {
  test("an ingest whose ffmpeg is killed", async (t) => {
    const viewer = await watch(t, "rtmp");
    await viewer.play(PLAYED_S);
    const cuts = await discontinuities("rtmp");
    const fault = await mark(viewer, "rtmp");
    process.kill(await ffmpegOf(product, "rtmp"), "SIGKILL");
    await untilMoreDiscontinuities("rtmp", cuts);
    await viewer.play(BEYOND_BUFFER_S);
    await viewer.screenshot("source-killed");
    await assertShortHalt(viewer, fault);
  });

  test("a fallback whose first stream hangs", async (t) => {
    const viewer = await watch(t, "fallback");
    await viewer.play(PLAYED_S);
    const fault = await mark(viewer, "fallback");
    process.kill(await ffmpegOf(product, "card"), "SIGSTOP");
    await viewer.untilWidth(SLATE_WIDTH);
    await viewer.screenshot("source-slate");
    await viewer.untilWidth(WIDTH.fallback);
    await viewer.play(PLAYED_S);
    await viewer.screenshot("source-back");
    await assertShortHalt(viewer, fault);
  });

  test("an upstream that goes away and comes back", async (t) => {
    const viewer = await watch(t, "upstream-hls");
    await viewer.play(PLAYED_S);
    const { hostname: host, port } = new URL(upstream.address.stream);
    await upstream.kill();
    await pause(AWAY_MS);
    await upstream.stop();
    upstream = await startOrigin({ ...UPSTREAM, listen: { host, port: Number(port) } });
    await untilThere(upstream.address.stream, upstream);
    const back = await mark(viewer, "upstream-hls");
    await viewer.play(BEYOND_BUFFER_S);
    await viewer.screenshot("source-upstream-back");
    await assertShortHalt(viewer, back);
  });
});

/** A viewer of the page, once there is something to see. */
async function watch(t, stream) {
  await untilServed(stream, "index.m3u8");
  const sender = encoders[stream] ?? upstream;
  const options = { query: { stream } };
  const viewer = await Viewer.open(browser, `a viewer of ${stream}`, [product, sender], options);
  t.after(() => viewer.close());
  return viewer;
}

/** The address of a stream's file, once it is there. */
function untilServed(stream, file) {
  const url = new URL(`/live/${stream}/${file}`, product.address.player).href;
  return untilThere(url, product);
}

async function untilThere(url, whose) {
  const deadline = Date.now() + START_MAX_MS;
  for (;;) {
    const { ok, status } = await fetch(url);
    if (ok) return url;
    if (Date.now() > deadline) {
      const told = encoders === undefined ? [] : Object.values(encoders);
      const logs = [whose, ...told].map(({ log }) => log).join("\n");
      throw new Error(`${url}: ${status} for ${START_MAX_MS} ms\n${logs}`);
    }
    await pause(200);
  }
}

/** The playlist with the first track's segments. */
async function mediaPlaylist(stream) {
  let url = new URL(`/live/${stream}/index.m3u8`, product.address.player);
  let text = await (await fetch(url)).text();
  if (!text.includes("#EXT-X-TARGETDURATION:")) {
    url = new URL(
      text.split("\n").find((line) => line !== "" && !line.startsWith("#")),
      url,
    );
    text = await (await fetch(url)).text();
  }
  return text;
}

/** How often the stream has begun anew. */
async function discontinuities(stream) {
  const playlist = await mediaPlaylist(stream);
  const [, gone] = /#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)/.exec(playlist);
  return Number(gone) + playlist.split("#EXT-X-DISCONTINUITY\n").length - 1;
}

async function untilMoreDiscontinuities(stream, before) {
  const deadline = Date.now() + START_MAX_MS;
  while ((await discontinuities(stream)) <= before) {
    assert.ok(Date.now() < deadline, `no discontinuity in ${stream}\n${product.log}`);
    await pause(200);
  }
}

/** A moment of a viewer's, in ms as the page's stalls tell it, and what a halt is measured by. */
async function mark(viewer, stream) {
  const [, targetS] = /#EXT-X-TARGETDURATION:(\d+)/.exec(await mediaPlaylist(stream));
  return { atMs: await viewer.page.evaluate(() => performance.now()), targetS: Number(targetS) };
}

/** From then on the picture stood still for three target durations at the most, in all. */
async function assertShortHalt(viewer, { atMs, targetS }) {
  const look = await viewer.look();
  const halts = look.stalls.map(({ at, ms }) => Math.max(0, at + ms - Math.max(at, atMs)));
  const haltMs = halts.reduce((sum, ms) => sum + ms, 0);
  console.log(`${viewer.name}: a halt of ${Math.round(haltMs)} ms, target duration ${targetS} s`);
  const seen = JSON.stringify({ atMs, ...look });
  assert.ok(haltMs <= HALT_MAX_TARGETS * targetS * 1000, `${haltMs} ms: ${seen}\n${product.log}`);
}
