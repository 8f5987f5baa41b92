// webtorrent, as people's pages use it: a seed in one browser and a leech in another know nothing
// of each other but the tracker, and a file moves between them whole.
import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { launch, Viewer } from "./support/browser.mjs";
import { eachWay } from "./support/ways.mjs";

const FILE_BYTES = 400_000;
const TRANSFER_MAX_MS = 30_000;
const LIBRARY = createRequire(import.meta.url).resolve("webtorrent/dist/webtorrent.min.js");

let browser;
let pages;

before(async () => {
  // The certificate of the test's tracker is nobody's.
  browser = await launch(["--ignore-certificate-errors"]);
  pages = createServer((request, response) => {
    const isScript = request.url === "/webtorrent.js";
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
    if (isScript) createReadStream(LIBRARY).pipe(response);
    else response.end("<!doctype html><title>webtorrent</title>");
  });
  await new Promise((listening) => pages.listen(0, "127.0.0.1", listening));
});

after(async () => {
  await browser?.close();
  pages?.closeAllConnections();
  pages?.close();
});

eachWay((stage, way) => {
  test("a seed and a leech in two browsers meet and move a file whole", async () => {
    const { tracker } = stage;
    const url = `http://127.0.0.1:${pages.address().port}/`;
    const open = (name) => Viewer.open(browser, name, [tracker], { url, init: keepSockets });
    const [seed, leech] = await Promise.all([open("seed"), open("leech")]);

    const seeded = await seed.page.evaluate(seedFile, [tracker.address.tracker, FILE_BYTES]);
    await leech.page.evaluate(startLeech, [tracker.address.tracker, seeded.magnet]);
    await leech.until("the file", () => window.received !== undefined, null, TRANSFER_MAX_MS);

    const received = await leech.page.evaluate(() => window.received);
    assert.deepEqual(received, { bytes: FILE_BYTES, sha256: seeded.sha256, peers: 1 });
    const extensions = await leech.page.evaluate(() =>
      window.sockets.map(({ extensions }) => extensions.split(";")[0]),
    );
    assert.deepEqual(extensions, [way.compression === 0 ? "" : "permessage-deflate"]);
    for (const { page } of [seed, leech]) await page.context().close();
  });
});

/** In a page, before its scripts: keeps the WebSockets that they open in `window.sockets`. */
function keepSockets() {
  window.sockets = [];
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      window.sockets.push(this);
    }
  };
}

/** In the seed's page: random bytes, their digest, and what a leech needs to know. */
async function seedFile([tracker, fileBytes]) {
  const { default: WebTorrent } = await import("/webtorrent.js");
  const client = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] } } });
  const bytes = new Uint8Array(fileBytes);
  for (let at = 0; at < fileBytes; at += 65_536)
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const sha256 = [...new Uint8Array(digest)]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
  // Both are waited for from the start: a torrent may be announced before it is seeded, and is
  // announced again only after the tracker's interval.
  let torrent;
  const seeded = new Promise((done) => {
    torrent = client.seed(new File([bytes], "file.bin"), { announce: [tracker] }, done);
  });
  await Promise.all([seeded, new Promise((done) => torrent.once("trackerAnnounce", done))]);
  return { sha256, magnet: `magnet:?xt=urn:btih:${torrent.infoHash}` };
}

/** In the leech's page: `window.received` is set when the file is whole. */
async function startLeech([tracker, magnet]) {
  const { default: WebTorrent } = await import("/webtorrent.js");
  const client = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] } } });
  client.on("error", (error) => console.error(error.message));
  client.add(magnet, { announce: [tracker] }, (torrent) => {
    torrent.once("done", async () => {
      const bytes = await (await torrent.files[0].blob()).arrayBuffer();
      const digest = await crypto.subtle.digest("SHA-256", bytes);
      const sha256 = [...new Uint8Array(digest)]
        .map((byte) => byte.toString(16).padStart(2, "0"))
        .join("");
      window.received = { bytes: bytes.byteLength, sha256, peers: torrent.numPeers };
    });
  });
}
