// The figures that explain the large one, and how tracker and STUN are.
import { megabytes, write, writeState } from "./dom";
import type { StreamState } from "./engine";
import type { Stats } from "./stats";
import type { StunState } from "./stun_check";
import type { LinkState } from "./tracker_link";

/** How each state of the tracker link is told and coloured. */
const LINK: Record<LinkState, StreamState> = {
  off: { mood: "quiet", text: "not in use" },
  connecting: { mood: "waiting", text: "connecting" },
  connected: { mood: "good", text: "connected" },
  lost: { mood: "bad", text: "lost" },
};

const STUN: Record<StunState, StreamState> = {
  none: { mood: "quiet", text: "none" },
  unasked: { mood: "quiet", text: "not asked yet" },
  asking: { mood: "waiting", text: "asking" },
  answers: { mood: "good", text: "answers" },
  silent: { mood: "bad", text: "doesn't answer" },
};

export function drawFacts(stats: Stats, link: LinkState, stun: StunState): void {
  const { engine, p2pBytes, httpBytes, uploadBytes, stalls, refused } = stats;
  write("latency", stats.latencyS === null ? "–" : `${stats.latencyS.toFixed(1)} s`);
  write("buffer", `${stats.bufferS.toFixed(1)} s`);
  const stalledMs = stalls.reduce((sum, { ms }) => sum + ms, 0);
  write(
    "stalls",
    stalls.length === 0 ? "none" : `${stalls.length}, ${(stalledMs / 1000).toFixed(1)} s`,
  );
  write("quality", stats.quality ?? "–");
  write("p2p-bytes", megabytes(p2pBytes));
  write("http-bytes", engine === "native" ? "not told" : megabytes(httpBytes));
  write("upload-bytes", megabytes(uploadBytes));
  write("refused", refused === 0 ? "none" : `${refused}`);
  // Turned off, the library closes its sockets.
  writeState("tracker-link", LINK[stats.sharing === "on" ? link : "off"]);
  writeState("stun", STUN[stun]);
}
