// The tables of the dashboard: workers, why sockets and messages were refused, swarms, streams, and
// other nodes where there are some.
import { age, bitrate, count, percent, rate, words } from "./format";
import type { Counted, OtherNode, Stream, Survey, Swarm, Tick, Worker } from "./messages";
import { fillTable, type Row } from "./table";

/** From which share of a core a worker is busy, as TrackerWorkersBusy has it. */
const BUSY = 0.8;

/** A node that was silent for so many of its intervals may be away; a third, and it is gone. */
const NODE_QUIET_INTERVALS = 2;

/** What each tick brings. */
export function showTick(tick: Tick): void {
  fill("workers", ["Worker", "Sockets", "Peers", "Relays/s", "Busy"], tick.workers.map(worker));
  for (const [id, rows] of [
    ["closes", tick.closes],
    ["refusals", tick.refusals],
    ["turned-away", tick.turnedAway],
  ] as const) {
    fill(id, ["Reason", "5 min", "Since start"], rows.map(counted));
  }
}

/** What a survey brings. */
export function showSurvey({ swarms, swarmsInAll, streams, nodes }: Survey): void {
  fill("swarms", ["Info hash", "Members", "Complete", "Growth"], swarms.map(swarm));
  const of = document.querySelector("#swarms-of");
  if (of !== null) of.textContent = `${count(swarms.length)} of ${count(swarmsInAll)}`;
  const heads = ["Stream", "State", "Last segment", "Bitrate", "Restarts", "Last failure"];
  fill("streams", heads, streams.map(stream), "none here");
  const section = document.querySelector<HTMLElement>("#nodes-section");
  if (section !== null) section.hidden = nodes === undefined;
  if (nodes !== undefined) {
    fill("nodes", ["Node", "Sockets", "Peers", "Last heard"], nodes.map(otherNode));
  }
}

function fill(id: string, heads: string[], rows: Row[], none = "none"): void {
  const table = document.querySelector<HTMLTableElement>(`#${id}`);
  if (table !== null) fillTable(table, heads, rows, { none });
}

function worker({ connections, peers, busy, relaysPerSecond }: Worker, index: number): Row {
  const load = { text: percent(busy), share: busy, kind: busy > BUSY ? "bad" : "" };
  const cells = [String(index), count(connections), count(peers), rate(relaysPerSecond), load];
  return { key: String(index), cells };
}

function counted({ reason, total, recently }: Counted): Row {
  return { key: reason, cells: [words(reason), count(recently), count(total)] };
}

function swarm({ infoHash, members, complete, growth }: Swarm): Row {
  const hash = { text: infoHash, title: infoHash, kind: "code" };
  const grown = growth === null ? "–" : `${signed(growth.members)} in ${age(growth.seconds)}`;
  const kind = growth === null || growth.members === 0 ? "" : growth.members > 0 ? "up" : "down";
  return { key: infoHash, cells: [hash, count(members), count(complete), { text: grown, kind }] };
}

function stream(of: Stream): Row {
  const ago = of.lastSegmentSecondsAgo === null ? "–" : `${age(of.lastSegmentSecondsAgo)} ago`;
  const failure = of.lastFailure ?? "";
  const state = { text: of.state, kind: of.state };
  const last = { text: failure, title: failure, kind: "long" };
  const cells = [of.name, state, ago, bitrate(of.bitsPerSecond), count(of.restarts), last];
  return { key: of.name, cells };
}

function otherNode(node: OtherNode): Row {
  const { name, connections, peers, heardSecondsAgo, everySeconds } = node;
  const kind = heardSecondsAgo > NODE_QUIET_INTERVALS * everySeconds ? "failing" : "";
  const heard = { text: `${age(heardSecondsAgo)} ago`, kind };
  return { key: name, cells: [name, count(connections), count(peers), heard] };
}

function signed(figure: number): string {
  return figure > 0 ? `+${count(figure)}` : count(figure).replace("-", "−");
}
