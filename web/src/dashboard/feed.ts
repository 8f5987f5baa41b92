// The link to the node: it comes back by itself after growing pauses, since a dashboard stays open
// on a wall while nodes restart, and it says how things stand, since figures that have stopped look
// like figures that are calm.
import type { Message } from "./messages";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** Silence after which the link counts as dead: many ticks, and the node pings besides. */
const SILENCE_MAX_MS = 12_000;

/** How the link is. `signedOut` and `forbidden` wait for somebody to do something. */
export type LinkState =
  | { is: "connecting" }
  | { is: "live"; pass: Pass }
  | { is: "away"; nextTryMs: number }
  | { is: "signedOut" }
  | { is: "forbidden"; why: string };

/** What the node lets us in for. */
type Pass = "thisMachine" | "token" | "session";

interface FeedEvents {
  link(state: LinkState): void;
  message(message: Message): void;
  history(bytes: ArrayBuffer): void;
}

export class Feed {
  #events: FeedEvents;
  #socket: WebSocket | undefined;
  #waitMs = FIRST_WAIT_MS;
  #timer: number | undefined;

  constructor(events: FeedEvents) {
    this.#events = events;
    // A machine that wakes up, or finds its network again, need not wait.
    addEventListener("online", () => this.#timer !== undefined && this.start());
  }

  /** Connects now, whatever it was doing. */
  start(): void {
    this.stop();
    this.#events.link({ is: "connecting" });
    void this.#connect();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  /** A WebSocket that is refused doesn't say why, so the session is asked first. */
  async #connect(): Promise<void> {
    const answer = await session().catch(() => undefined);
    if (this.#timer !== undefined || this.#socket !== undefined) return; // started anew meanwhile
    if (answer === undefined) return this.#tryLater();
    if (typeof answer !== "string") return this.#events.link(answer);
    const pass = answer;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.#listen(new WebSocket(`${scheme}://${location.host}/dashboard/feed`), pass);
  }

  #listen(socket: WebSocket, pass: Pass): void {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    const isOurs = () => this.#socket === socket;
    const lost = () => {
      if (!isOurs()) return;
      this.stop();
      this.#tryLater();
    };
    const watch = () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(lost, SILENCE_MAX_MS);
    };
    watch();
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (!isOurs()) return;
      watch();
      if (data instanceof ArrayBuffer) {
        this.#events.history(data);
        return;
      }
      const message = JSON.parse(data) as Message;
      if (message.kind === "hello") {
        this.#waitMs = FIRST_WAIT_MS;
        this.#events.link({ is: "live", pass });
      }
      this.#events.message(message);
    };
    socket.onclose = lost;
  }

  /** Pauses grow, and differ between dashboards, so that they don't all come back at once. */
  #tryLater(): void {
    const waitMs = this.#waitMs * (0.75 + Math.random() / 2);
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
    this.#events.link({ is: "away", nextTryMs: waitMs });
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#connect();
    }, waitMs);
  }
}

/** What we are let in for, or why we aren't; rejects when that can't be told now. */
async function session(): Promise<Pass | LinkState> {
  const signal = AbortSignal.timeout(SILENCE_MAX_MS);
  const answer = await fetch("/dashboard/session", { cache: "no-store", signal });
  if (answer.status === 401) return { is: "signedOut" };
  if (answer.status === 403) return { is: "forbidden", why: (await answer.text()).trim() };
  if (!answer.ok) throw new Error(`the answer is ${answer.status}`);
  return ((await answer.json()) as { pass: Pass }).pass;
}
