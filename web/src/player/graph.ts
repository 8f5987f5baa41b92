// The connected viewers around this one: a link is as wide as much has gone over it, and dashed
// where STUN had to tell the address. The same stands in a table, for those who don't see it.
import { count, element, megabytes, write } from "./dom";
import { GRAPH_LINK_MAX, GRAPH_PEERS_MAX } from "./limits";
import type { PeerRecord, Stats } from "./stats";

const SVG = "http://www.w3.org/2000/svg";
const RADIUS_X = 84;
const RADIUS_Y = 58;

/** How each way is told. */
const PATH: Record<PeerRecord["path"], string> = {
  direct: "direct",
  stun: "through STUN",
  relay: "through a relay",
  unknown: "–",
};

export function drawGraph({ peers }: Stats): void {
  const shown = peers.filter(({ of }) => of === "picture").slice(0, GRAPH_PEERS_MAX);
  const most = Math.max(1, ...shown.map(bytesOf));
  const links = shown.map((peer, i) => link(peer, place(i, shown.length), most));
  const dots = shown.map((peer, i) => dot(shortName(peer), place(i, shown.length), "peer"));
  element<SVGSVGElement>("graph").replaceChildren(...links, ...dots, dot("you", [0, 0], "you"));
  element("viewers").replaceChildren(...peers.map(row));
  write("viewers-summary", summary(peers.filter(({ of }) => of === "picture")));
}

function summary(peers: PeerRecord[]): string {
  if (peers.length === 0) return "Nobody yet";
  const by = (path: PeerRecord["path"]) => peers.filter((peer) => peer.path === path).length;
  const ways = [
    [by("direct"), "direct"],
    [by("stun"), "through STUN"],
    [by("relay"), "through a relay"],
  ] as const;
  const told = ways.filter(([number]) => number > 0).map(([number, way]) => `${number} ${way}`);
  return [count(peers.length, "viewer"), ...told].join(", ");
}

/** Evenly around, the first at the right. */
function place(i: number, of: number): [number, number] {
  const angle = (2 * Math.PI * i) / of;
  return [RADIUS_X * Math.cos(angle), RADIUS_Y * Math.sin(angle)];
}

function link(peer: PeerRecord, [x, y]: [number, number], most: number): SVGElement {
  const width = 1 + (GRAPH_LINK_MAX - 1) * (bytesOf(peer) / most);
  const line = svg("line", { x1: 0, y1: 0, x2: x, y2: y, "stroke-width": width });
  line.setAttribute("class", `link ${peer.path}`);
  return line;
}

function dot(name: string, [x, y]: [number, number], kind: string): SVGElement {
  const group = svg("g", { transform: `translate(${x} ${y})`, class: kind });
  const text = svg("text", { y: kind === "you" ? 4 : 3.5 });
  text.textContent = name;
  group.append(svg("circle", { r: kind === "you" ? 17 : 15 }), text);
  return group;
}

function row(peer: PeerRecord): HTMLTableRowElement {
  const row = document.createElement("tr");
  const name = `${shortName(peer)}${peer.of === "sound" ? " (sound)" : ""}`;
  for (const text of [name, megabytes(peer.downBytes), megabytes(peer.upBytes), PATH[peer.path]]) {
    row.insertCell().textContent = text;
  }
  return row;
}

/** A peer id begins with its program's name: its end is what differs. */
function shortName({ id }: PeerRecord): string {
  return id.slice(-4);
}

function bytesOf({ downBytes, upBytes }: PeerRecord): number {
  return downBytes + upBytes;
}

function svg(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, `${value}`);
  return made;
}
