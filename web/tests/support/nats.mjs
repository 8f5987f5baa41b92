// A nats-server of a test's own, by which nodes hear of each other.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { end } from "./process.mjs";
import { closedPort } from "./product.mjs";

const START_MAX_MS = 10_000;

export class Nats {
  #process;

  constructor(process, port) {
    this.#process = process;
    this.url = `nats://127.0.0.1:${port}`;
  }

  static async start() {
    const port = await closedPort();
    const args = ["--addr", "127.0.0.1", "--port", String(port)];
    const process = spawn("nats-server", args, { stdio: ["ignore", "ignore", "pipe"] });
    await new Promise((ready, failed) => {
      const fail = (why) => failed(new Error(`nats-server ${why}`));
      const timer = setTimeout(() => fail(`isn't ready after ${START_MAX_MS} ms`), START_MAX_MS);
      process.once("error", (error) => fail(`can't be started: ${error.message}`));
      process.once("exit", (code, signal) => fail(`ended with ${code ?? signal}`));
      createInterface({ input: process.stderr }).on("line", (line) => {
        if (!line.includes("Server is ready")) return;
        clearTimeout(timer);
        ready();
      });
    });
    return new Nats(process, port);
  }

  stop() {
    return end(this.#process, "SIGKILL");
  }
}
