// Whose turn it is to fetch over HTTP what no viewer has yet. Left to themselves all viewers ask
// for it at the same moment, `httpSeconds` before it is due; here one of them does so sooner, and
// passes it on before the others' time comes. Who it is they need not agree on: each ranks the
// viewers that it is connected with, and itself, by a hash of their ids and the time.
import { forgetOldest } from "./bounded";
import { ID_SWARMS_KEPT_MAX, TURN_PAUSE_MS, TURN_S } from "./limits";
import type { PeerRecord } from "./stats";
import type { Announce, Passed } from "./tracker_link";

export class Turns {
  /** Our id in each swarm, by info hash. */
  readonly #ownIds = new Map<string, string>();
  /** The info hash of the swarm in which a viewer was met, by its id. */
  readonly #swarms = new Map<string, string>();

  /** What the page says to a tracker. */
  said({ info_hash: infoHash, peer_id: id }: Announce): void {
    keep(this.#ownIds, infoHash, id);
  }

  /** What a tracker passes on. */
  told({ info_hash: infoHash, peer_id: id }: Passed): void {
    keep(this.#swarms, id, infoHash);
  }

  /**
   * How much sooner than others this viewer fetches what nobody has, in seconds: by its rank among
   * `peers` of the picture. The second is there for a first one that is slow, or has gone.
   */
  soonerS(peers: readonly PeerRecord[], nowMs: number): number {
    const others = peers.filter(({ of }) => of === "picture").map(({ id }) => id);
    const swarm = others.map((id) => this.#swarms.get(id)).find((known) => known !== undefined);
    const own = swarm === undefined ? undefined : this.#ownIds.get(swarm);
    if (own === undefined) return 0;
    const turn = Math.floor(nowMs / (TURN_S * 1_000));
    // What the last one has begun with shall have come, and be passed on, before the next begins.
    if (nowMs - turn * TURN_S * 1_000 < TURN_PAUSE_MS) return 0;
    const rank = others.filter((id) => hash(id, turn) > hash(own, turn)).length;
    return rank < 2 ? TURN_S / (rank + 1) : 0;
  }
}

function keep(map: Map<string, string>, key: unknown, value: unknown): void {
  if (typeof key !== "string" || typeof value !== "string") return;
  map.set(key, value);
  forgetOldest(map, ID_SWARMS_KEPT_MAX);
}

/** FNV-1a, and MurmurHash3's last step: ids differ in their last characters. 32 bits. */
function hash(id: string, turn: number): number {
  let hash = 0x811c9dc5 ^ turn;
  for (let i = 0; i < id.length; i += 1) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
