// By which way each viewer is reached. P2P Media Loader hides its connections, so the page watches
// those that it opens, and what the tracker passes on: a description's `ice-ufrag` says whose it
// is.
import { forgetOldest } from "./bounded";
import { DESCRIPTIONS_KEPT_MAX } from "./limits";
import type { PeerRecord } from "./stats";
import type { Passed } from "./tracker_link";

export class Connections {
  readonly #open = new Set<RTCPeerConnection>();
  readonly #peerByUfrag = new Map<string, string>();

  /** Watches every connection that is opened from now on; to be called before the library loads. */
  watch(): void {
    if (typeof RTCPeerConnection === "undefined") return;
    const open = this.#open;
    window.RTCPeerConnection = class extends window.RTCPeerConnection {
      constructor(config?: RTCConfiguration) {
        super(config);
        open.add(this);
        this.addEventListener("connectionstatechange", () => {
          if (this.connectionState === "closed" || this.connectionState === "failed")
            open.delete(this);
        });
      }

      override close(): void {
        open.delete(this);
        super.close();
      }
    };
  }

  /** What a tracker passes on. */
  told({ peer_id: id, offer, answer }: Passed): void {
    const ufrag = ufragOf(offer?.sdp ?? answer?.sdp);
    if (typeof id !== "string" || ufrag === null) return;
    this.#peerByUfrag.set(ufrag, id);
    forgetOldest(this.#peerByUfrag, DESCRIPTIONS_KEPT_MAX);
  }

  /** Writes the way to each peer whose isn't known yet. */
  async look(peers: PeerRecord[]): Promise<void> {
    if (peers.every(({ path }) => path !== "unknown")) return;
    for (const connection of this.#open) {
      if (connection.connectionState !== "connected") continue;
      const id = this.#peerByUfrag.get(ufragOf(connection.remoteDescription?.sdp) ?? "");
      const peer = peers.find((peer) => peer.id === id && peer.path === "unknown");
      if (peer !== undefined) peer.path = pathOf(await connection.getStats());
    }
  }
}

/** The candidates of the pair that is in use. */
function pathOf(stats: RTCStatsReport): PeerRecord["path"] {
  const all = [...(stats as unknown as Map<string, Record<string, unknown>>).values()];
  const transport = all.find(({ type }) => type === "transport");
  const pair = all.find(({ id }) => id === transport?.["selectedCandidatePairId"]);
  const kinds = [pair?.["localCandidateId"], pair?.["remoteCandidateId"]].map(
    (wanted) => all.find(({ id }) => id === wanted)?.["candidateType"],
  );
  if (pair === undefined || kinds.includes(undefined)) return "unknown";
  if (kinds.includes("relay")) return "relay";
  // A reflexive address is one that STUN told, or that the other's checks came from (`prflx`).
  return kinds.every((kind) => kind === "host") ? "direct" : "stun";
}

function ufragOf(sdp: unknown): string | null {
  return typeof sdp === "string" ? (/^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? null) : null;
}
