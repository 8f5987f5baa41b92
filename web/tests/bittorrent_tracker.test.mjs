// The client library that browsers and BitTorrent programs use, in Node, against this tracker: what
// it is told, and that a seed and a leech meet through it and move a file whole over their own
// connection.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { TRACKER } from "./support/product.mjs";
import { eachWay } from "./support/ways.mjs";

const FILE_BYTES = 300_000;
const WAIT_MAX_MS = 20_000; // the library's 10 s before it reconnects included
const LEECHES = 3;

eachWay((stage, way) => {
  const peers = [];
  const open = (name, infoHash, ...file) => {
    const peer = new Peer(stage, name, infoHash, file);
    peers.push(peer);
    return peer;
  };

  after(() => {
    for (const peer of peers) peer.kill();
  });

  test("a seed and its leeches meet through the tracker and move a file whole", async () => {
    const content = randomBytes(FILE_BYTES);
    const file = join(stage.folder, "file");
    await writeFile(file, content);
    const infoHash = randomBytes(20).toString("hex");

    const seed = open("seed", infoHash, file);
    const first = await seed.next("update");
    assert.deepEqual(counts(first), { complete: 1, incomplete: 0 });
    assert.equal(first.interval, TRACKER.tracker.announceInterval);
    assert.equal(first.extensions, way.compression === 0 ? "" : "permessage-deflate");
    const { peerId: seedId } = await seed.next("started");

    const leeches = [];
    for (let number = 1; number <= LEECHES; number += 1) {
      const leech = open(`leech ${number}`, infoHash);
      leeches.push(leech);
      const told = await leech.next("update");
      assert.deepEqual(counts(told), { complete: 1, incomplete: number });
    }
    const sha256 = createHash("sha256").update(content).digest("hex");
    for (const leech of leeches) {
      const received = await leech.next("received");
      assert.deepEqual(received, { event: "received", bytes: FILE_BYTES, sha256, from: seedId });
    }

    leeches[0].say("scrape");
    const all = { complete: 1, incomplete: LEECHES };
    assert.deepEqual(counts(await leeches[0].next("scrape")), all);

    for (const leech of leeches) {
      leech.say("stop");
      await leech.next("update");
    }
    seed.say("scrape");
    assert.deepEqual(counts(await seed.next("scrape")), { complete: 1, incomplete: 0 });
    for (const peer of [seed, ...leeches])
      assert.deepEqual(peer.told("warning", "error"), [], peer.name);
  });

  test("clients of different content never meet", async () => {
    const one = open("one", randomBytes(20).toString("hex"));
    const other = open("other", randomBytes(20).toString("hex"));
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

  test("a client whose tracker was away comes back by itself", async () => {
    const peer = open("the faithful", randomBytes(20).toString("hex"));
    await peer.next("update");
    await stage.restart();
    assert.deepEqual(counts(await peer.next("update")), { complete: 0, incomplete: 1 });
  });
});

function counts({ complete, incomplete }) {
  return { complete, incomplete };
}

/** A client in its own process. `next` takes the first event of a kind that was not taken yet. */
class Peer {
  #events = [];
  #process;
  #onEvent = () => {};

  constructor({ tracker, cert }, name, infoHash, file) {
    this.name = name;
    this.tracker = tracker;
    const script = resolve(import.meta.dirname, "support/torrent_peer.mjs");
    const args = [script, tracker.address.tracker, infoHash, ...file];
    this.#process = spawn(process.execPath, args, {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, NODE_EXTRA_CA_CERTS: cert },
    });
    createInterface({ input: this.#process.stdout }).on("line", (line) => {
      this.#events.push({ taken: false, ...JSON.parse(line) });
      this.#onEvent();
    });
  }

  async next(kind) {
    const find = () => this.#events.find(({ taken, event }) => !taken && event === kind);
    const arrived = new Promise((found, failed) => {
      const fail = () =>
        failed(
          new Error(
            `${this.name} waited for ${kind}: ${JSON.stringify(this.#events)}\n${this.tracker.log}`,
          ),
        );
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
