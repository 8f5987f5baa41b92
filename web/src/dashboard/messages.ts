// What the node tells over the feed (tracker/server/src/dashboard/report.rs has the same): texts in
// JSON, told apart by `kind`, and behind the first one the history in binary.

/** First of all. */
export interface Hello {
  kind: "hello";
  version: string;
  startedAtMs: number;
  tickMs: number;
  columns: string[];
  /** Of the history that follows. */
  rows: number;
  /** Of its newest sample. */
  number: number;
}

/** A second has passed. */
export interface Tick {
  kind: "tick";
  /** Where one is missing, a tick was dropped on its way. */
  number: number;
  atMs: number;
  /** A figure for each column; null is unknown. */
  row: (number | null)[];
  verdict: Verdict;
  workers: Worker[];
  refusals: Counted[];
  turnedAway: Counted[];
  closes: Counted[];
  announceIntervalSeconds: number;
  filesOpen: number | null;
  filesMax: number | null;
}

interface Verdict {
  state: "well" | "warning" | "trouble";
  reasons: { alert: string; text: string }[];
}

export interface Worker {
  connections: number;
  peers: number;
  /** Share of a core. */
  busy: number;
  relaysPerSecond: number;
}

/** How often something happened for one reason. */
export interface Counted {
  reason: string;
  total: number;
  /** In the last five minutes. */
  recently: number;
}

/** The lists, every five seconds. */
export interface Survey {
  kind: "survey";
  swarms: Swarm[];
  swarmsInAll: number;
  streams: Stream[];
  /** Those of a cluster; a node that is alone has none. */
  nodes?: OtherNode[];
}

export interface Swarm {
  infoHash: string;
  members: number;
  complete: number;
  /** Null while it isn't known. */
  growth: { members: number; seconds: number } | null;
}

export interface Stream {
  name: string;
  state: "idle" | "starting" | "live" | "failing";
  lastSegmentSecondsAgo: number | null;
  bitsPerSecond: number;
  restarts: number;
  lastFailure: string | null;
}

export interface OtherNode {
  name: string;
  /** Null from a release that doesn't say it. */
  connections: number | null;
  peers: number | null;
  heardSecondsAgo: number;
  /** How often it is to be heard. */
  everySeconds: number;
}

export type Message = Hello | Tick | Survey;

/** The columns of a history of so many rows, each from the oldest sample to the newest. */
export function columnsOf(history: ArrayBuffer, rows: number): (number | null)[][] {
  const bytes = new DataView(history);
  const columns = rows === 0 ? 0 : bytes.byteLength / 4 / rows;
  const figure = (index: number) => {
    const number = bytes.getFloat32(index * 4, true);
    return Number.isNaN(number) ? null : number;
  };
  return Array.from({ length: columns }, (_, column) =>
    Array.from({ length: rows }, (_, row) => figure(column * rows + row)),
  );
}
