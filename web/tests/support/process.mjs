// What every process that a test starts needs: to end with it, and a log, because a test that fails
// has to tell what the others saw.
import { once } from "node:events";
import { createInterface } from "node:readline";

const LINES_KEPT = 40;

/** The last lines that processes of one name have said. */
export class LastLines {
  #name;
  #lines = [];

  constructor(name) {
    this.#name = name;
  }

  /** Keeps what comes out of `stream`, too. */
  follow(stream) {
    createInterface({ input: stream }).on("line", (line) => this.keep(line));
  }

  keep(line) {
    this.#lines.push(line);
    if (this.#lines.length > LINES_KEPT) this.#lines.shift();
  }

  toString() {
    return `--- ${this.#name}, last ${this.#lines.length} lines:\n${this.#lines.join("\n")}`;
  }
}

/** Sends a process `signal`, unless it has ended, and waits for its end. */
export async function end(process, signal) {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const ended = once(process, "exit");
  process.kill(signal);
  await ended;
}
