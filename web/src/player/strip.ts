// The latest segments in the order in which they came, coloured by where they came from. A refused
// one stays beside the copy that replaced it.
import { count, element, write } from "./dom";
import type { SegmentRecord, SegmentSource, Stats } from "./stats";

/** How each source is told. */
const SOURCE: Record<SegmentSource, string> = {
  peers: "from peers",
  http: "over HTTP",
  refused: "refused",
};

let drawn: SegmentRecord | undefined;

export function drawStrip({ segments, refused }: Stats): void {
  const latest = segments.at(-1);
  if (latest === undefined || latest === drawn) return;
  drawn = latest;
  element("strip").replaceChildren(...segments.map(mark));
  const by = (source: SegmentSource) => segments.filter((one) => one.source === source).length;
  const told = (Object.keys(SOURCE) as SegmentSource[])
    .filter((source) => by(source) > 0)
    .map((source) => `${by(source)} ${SOURCE[source]}`);
  write("segments-summary", `${told.join(", ")} of ${count(segments.length, "segment")}`);
  if (refused === 0) return;
  write(
    "notice",
    `${count(refused, "segment")} from other viewers did not have the origin's digest, ` +
      "and came over HTTP instead.",
  );
}

function mark({ name, source, bytes }: SegmentRecord): HTMLElement {
  const mark = document.createElement("span");
  mark.dataset["source"] = source;
  mark.title = `${name}, ${SOURCE[source]}${bytes > 0 ? `, ${Math.round(bytes / 1_000)} kB` : ""}`;
  return mark;
}
