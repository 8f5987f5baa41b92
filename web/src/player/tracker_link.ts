// Whether the tracker is there, seen by the page itself. P2P Media Loader retries a lost tracker in
// silence, so the page watches the WebSockets that the library opens; it opens none of its own.

/** What the page says of itself to a tracker; any of it may be missing. */
export interface Announce {
  info_hash?: unknown;
  peer_id?: unknown;
}

/** What a tracker says, such as an offer or an answer that it passes on. */
export interface Passed extends Announce {
  offer?: { sdp?: unknown };
  answer?: { sdp?: unknown };
}

/** Who hears what goes over the links. */
interface Listener {
  said(message: Announce): void;
  told(message: Passed): void;
}

/** `off` until a socket is opened: peer to peer is not in use. */
export type LinkState = "off" | "connecting" | "connected" | "lost";

/** The state of the links to all trackers, taken together. */
export class TrackerLink {
  readonly #sockets = new Map<string, LinkState>();
  readonly #listener: Listener;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /**
   * Watches every WebSocket that is opened from now on. To be called before the library is loaded,
   * which keeps the constructor that it finds at that moment. The page opens sockets to trackers
   * only.
   */
  watch(): void {
    const link = this;
    window.WebSocket = class extends window.WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        link.#follow(this);
      }

      override send(data: Parameters<WebSocket["send"]>[0]): void {
        link.#hear(data, (message) => link.#listener.said(message));
        super.send(data);
      }
    };
  }

  /** One connected tracker is enough to find peers. */
  get state(): LinkState {
    const states = [...this.#sockets.values()];
    const order: LinkState[] = ["connected", "connecting", "lost"];
    return order.find((state) => states.includes(state)) ?? "off";
  }

  /** Keyed by address: a new socket to the same tracker replaces the one that was lost. */
  #follow(socket: WebSocket): void {
    const set = (state: LinkState) => this.#sockets.set(socket.url, state);
    set("connecting");
    socket.addEventListener("open", () => set("connected"));
    socket.addEventListener("close", () => set("lost"));
    socket.addEventListener("message", ({ data }) =>
      this.#hear(data, (message) => this.#listener.told(message)),
    );
  }

  #hear(data: unknown, hear: (message: Passed) => void): void {
    if (typeof data !== "string") return;
    try {
      const message: unknown = JSON.parse(data);
      if (typeof message === "object" && message !== null) hear(message);
    } catch {
      // The library complains of it.
    }
  }
}
