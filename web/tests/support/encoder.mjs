// Encoders, as they stand in studios: ffmpeg draws a small picture and a tone, with a key frame
// each second, and sends or writes it until it is told to stop. One that ends is started again.
import { spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { LastLines } from "./process.mjs";

const PAUSE_MS = 200;
const FPS = "10";
const TONE = "sine=frequency=440:sample_rate=48000";
const CODECS = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -b:v 100k -c:a aac -b:a 64k";

export class Encoder {
  #args;
  #lines;
  #process;
  #stopped = false;
  #ended;

  constructor(name, args) {
    this.#lines = new LastLines(name);
    this.#args = args;
  }

  /** A picture of `size`, such as `160x90`; `output` is what ffmpeg makes of it. */
  static start(name, size, output) {
    const picture = ["-re", "-f", "lavfi", "-i", `testsrc2=size=${size}:rate=${FPS}`];
    const tone = ["-re", "-f", "lavfi", "-i", TONE];
    const coded = [...CODECS.split(" "), "-g", FPS, "-sc_threshold", "0"];
    const quiet = ["-nostdin", "-loglevel", "error", "-y"];
    const encoder = new Encoder(name, [...quiet, ...picture, ...tone, ...coded, ...output]);
    encoder.#ended = encoder.#run();
    return encoder;
  }

  /** The last lines that it said. */
  get log() {
    return `${this.#lines}`;
  }

  async stop() {
    this.#stopped = true;
    this.#process.kill("SIGKILL");
    await this.#ended;
  }

  async #run() {
    while (!this.#stopped) {
      this.#process = spawn("ffmpeg", this.#args, { stdio: ["ignore", "ignore", "pipe"] });
      this.#lines.follow(this.#process.stderr);
      await new Promise((ended) => {
        this.#process.once("exit", ended);
        this.#process.once("error", (error) => ended(this.#lines.keep(error.message)));
      });
      await pause(PAUSE_MS);
    }
  }
}
