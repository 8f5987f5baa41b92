// The client library that browsers and BitTorrent programs use, in Node, against this tracker: what it is
// told, and that a seed and a leech meet through it and move a file whole over their own connection.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { startTracker, TRACKER } from "./support/product.mjs";

const FILE_BYTES = 300_000;
const WAIT_MAX_MS = 20_000;

let tracker;
let folder;
const peers = [];

before(async () => {
  tracker = await startTracker();
  folder = await mkdtemp(join(tmpdir(), "torrent-test-"));
});

after(async () => {
  for (const peer of peers) peer.kill();
  await tracker?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("a seed and a leech meet through the tracker and move a file whole", async () => {
  const content = randomBytes(FILE_BYTES);
  const file = join(folder, "file");
  await writeFile(file, content);
  const infoHash = randomBytes(20).toString("hex");

  const seed = new Peer("seed", infoHash, file);
  const first = await seed.next("update");
  assert.deepEqual(counts(first), { complete: 1, incomplete: 0 });
  assert.equal(first.interval, TRACKER.tracker.announceInterval);

  const leech = new Peer("leech", infoHash);
  const second = await leech.next("update");
  assert.deepEqual(counts(second), { complete: 1, incomplete: 1 });

  const { peerId: met } = await leech.next("connected");
  assert.equal(met, (await seed.next("started")).peerId);
  const received = await leech.next("received");
  const sha256 = createHash("sha256").update(content).digest("hex");
  assert.deepEqual(received, { event: "received", bytes: FILE_BYTES, sha256 });

  leech.say("scrape");
  assert.deepEqual(counts(await leech.next("scrape")), { complete: 1, incomplete: 1 });

  leech.say("stop");
  await leech.next("update");
  seed.say("scrape");
  assert.deepEqual(counts(await seed.next("scrape")), { complete: 1, incomplete: 0 });
  for (const peer of [seed, leech]) assert.deepEqual(peer.told("warning", "error"), [], peer.name);
});

test("clients of different content never meet", async () => {
  const one = new Peer("one", randomBytes(20).toString("hex"));
  const other = new Peer("other", randomBytes(20).toString("hex"));
  for (const peer of [one, other]) {
    assert.deepEqual(counts(await peer.next("update")), { complete: 0, incomplete: 1 });
  }
  // A scrape's answer comes after every offer that the tracker had for this socket.
  for (const peer of [one, other]) {
    peer.say("scrape");
    await peer.next("scrape");
    assert.deepEqual(peer.told("connected", "warning", "error"), []);
  }
});

function counts({ complete, incomplete }) {
  return { complete, incomplete };
}

/** A client in its own process. `next` takes the first event of a kind that was not taken yet. */
class Peer {
  #events = [];
  #process;
  #onEvent = () => {};

  constructor(name, infoHash, ...file) {
    this.name = name;
    const script = resolve(import.meta.dirname, "support/torrent_peer.mjs");
    const args = [script, tracker.address.tracker, infoHash, ...file];
    this.#process = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.#process.stdout }).on("line", (line) => {
      this.#events.push({ taken: false, ...JSON.parse(line) });
      this.#onEvent();
    });
    peers.push(this);
  }

  async next(kind) {
    const find = () => this.#events.find(({ taken, event }) => !taken && event === kind);
    const arrived = new Promise((found, failed) => {
      const fail = () =>
        failed(new Error(`${this.name} waited for ${kind}; told: ${JSON.stringify(this.#events)}\n${tracker.log}`));
      const timer = setTimeout(fail, WAIT_MAX_MS);
      this.#onEvent = () => {
        if (find() === undefined) return;
        clearTimeout(timer);
        found();
      };
    });
    this.#onEvent();
    await arrived;
    const event = find();
    event.taken = true;
    const { taken, ...told } = event;
    return told;
  }

  told(...kinds) {
    return this.#events.filter(({ event }) => kinds.includes(event));
  }

  say(command) {
    this.#process.stdin.write(`${command}\n`);
  }

  kill() {
    this.#process.kill("SIGKILL");
  }
}
