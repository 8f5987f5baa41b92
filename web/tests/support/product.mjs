// Starts the product's own binaries as an operator would: a configuration file, and then the
// addresses that they print.
import { execFile, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { end, LastLines } from "./process.mjs";

const START_MAX_MS = 30_000; // ffmpeg's first segments included, on two busy cores
const STOP_MAX_MS = 5_000; // what the product promises

/** One stream, light enough for several viewers on two cores. */
export const TESTCARD = {
  streams: [
    {
      name: "testcard",
      testcard: { fps: 25, qualities: [{ height: 360, videoKbps: 1000 }] },
    },
  ],
};

/** The sections of a tracker's file; a section left out is a part left out. */
export const TRACKER = {
  servers: [
    {
      server: { port: 0, host: "127.0.0.1" },
      websockets: {
        path: "/*",
        maxPayloadLength: 65536,
        idleTimeout: 240,
        compression: 1,
        maxConnections: 0,
      },
    },
  ],
  tracker: { maxOffers: 20, announceInterval: 120 },
  workers: 2,
};

/** Tracker, origin, player and STUN in one process. `environment` is added to this one's, and
 * `sections` to the file; `run` is the command that runs it, such as one that enters a network. */
export function startAll(environment = {}, sections = {}, run = []) {
  const config = { ...TRACKER, origin: TESTCARD, web: {}, stun: { port: 0 }, ...sections };
  return start("tracker", config, ["player", "tracker", "stream", "stun"], environment, run);
}

/** A node without streams: a tracker, and a player of what its `sections` name. */
export function startNode(sections) {
  return start("tracker", { ...TRACKER, ...sections }, ["player", "tracker"]);
}

/** A tracker and nothing else. `server` and `websockets` are added to those of `TRACKER`. */
export function startTracker({ server = {}, websockets = {} } = {}) {
  const [listener] = TRACKER.servers;
  const servers = [
    {
      server: { ...listener.server, ...server },
      websockets: { ...listener.websockets, ...websockets },
    },
  ];
  return start("tracker", { ...TRACKER, servers }, ["tracker"]);
}

/** A tracker with its dashboard, on a port of its own choice unless one is named. */
export function startDashboard({ port = 0, dashboard = {}, origin } = {}) {
  const [listener] = TRACKER.servers;
  const servers = [{ ...listener, server: { ...listener.server, port } }];
  return start("tracker", { ...TRACKER, servers, dashboard, origin }, ["dashboard", "tracker"]);
}

/** An origin and nothing else; `section` is its section of the file. */
export function startOrigin(section) {
  const listen = { host: "127.0.0.1", port: 0 };
  return start("origin", { origin: { listen, ...section } }, ["stream"]);
}

/** A running binary: `address` holds what it printed, by its first word. */
class Product {
  address = {};
  #process;
  #folder;
  #name;
  #lines;

  constructor(name, process, folder) {
    this.#name = name;
    this.#process = process;
    this.#folder = folder;
    this.#lines = new LastLines(name);
    this.#lines.follow(process.stderr);
  }

  /** Reads what the binary prints until it has printed every one of `words`. */
  async ready(words) {
    const lines = createInterface({ input: this.#process.stdout });
    const missing = () => words.filter((word) => !(word in this.address));
    await new Promise((done, failed) => {
      const fail = (why) => {
        clearTimeout(timer);
        failed(
          new Error(`${this.#name} ${why}; not printed: ${missing().join(", ")}\n${this.log}`),
        );
      };
      const timer = setTimeout(
        () => fail(`took more than ${START_MAX_MS} ms to start`),
        START_MAX_MS,
      );
      this.#process.once("error", (error) => fail(`can't be started: ${error.message}`));
      this.#process.once("exit", (code, signal) => fail(`ended with ${code ?? signal}`));
      lines.on("line", (line) => {
        const [, word, url] = /^\s*(\w+)\s+(\S+)\s*$/.exec(line) ?? [];
        if (word !== undefined) this.address[word] = url;
        else this.#lines.keep(line);
        if (missing().length > 0) return;
        clearTimeout(timer);
        done();
      });
    });
  }

  get pid() {
    return this.#process.pid;
  }

  /** The last lines that it logged. */
  get log() {
    return `${this.#lines}`;
  }

  /** Gone at once, as in a crash. */
  async kill() {
    await end(this.#process, "SIGKILL");
  }

  /** Ctrl-C. Complains when that takes longer than the product promises. */
  async stop() {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#process.kill("SIGKILL");
    }, STOP_MAX_MS);
    await end(this.#process, "SIGINT");
    clearTimeout(timer);
    await rm(this.#folder, { recursive: true, force: true });
    if (!late) return;
    throw new Error(`${this.#name} did not stop within ${STOP_MAX_MS} ms of SIGINT\n${this.log}`);
  }
}

async function start(name, config, words, environment = {}, run = []) {
  const folder = await mkdtemp(join(tmpdir(), `${name}-test-`));
  const file = join(folder, "config.json");
  await writeFile(file, JSON.stringify(config));
  const [command, ...args] = [...run, binary(name), file];
  const product = new Product(
    name,
    spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    }),
    folder,
  );
  try {
    await product.ready(words);
  } catch (error) {
    await product.stop();
    throw error;
  }
  return product;
}

/** `TRACKER_BIN` and the like where it is set, otherwise what `cargo build` made. */
export function binary(name) {
  const target = process.env.CARGO_TARGET_DIR ?? resolve(import.meta.dirname, "../../../target");
  return process.env[`${name.toUpperCase()}_BIN`] ?? join(target, "debug", name);
}

/** The process of the ffmpeg that works for a stream of `product`: what it writes has that name. */
export async function ffmpegOf(product, stream) {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-ww", "-o", "pid=,ppid=,args="]);
  const ours = stdout.split("\n").map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []);
  const found = ours.filter(
    ([, , parent, args]) => Number(parent) === product.pid && args.endsWith(` ${stream}.mpd`),
  );
  if (found.length !== 1) throw new Error(`${found.length} ffmpegs of ${stream}\n${product.log}`);
  return Number(found[0][1]);
}

/** A TCP port on which nobody listens. */
export async function closedPort() {
  const server = createServer();
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** The same for UDP. */
export async function closedUdpPort() {
  const socket = createSocket("udp4");
  await new Promise((bound) => socket.bind(0, "127.0.0.1", bound));
  const { port } = socket.address();
  await new Promise((closed) => socket.close(closed));
  return port;
}
