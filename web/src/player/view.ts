// Draws the figures, twice a second and in place: one large one, and a few that explain it. Only
// text that changed is written, so that a screen reader isn't told the same thing again.
import { REDRAW_MS } from "./limits";
import type { StreamState } from "./playback";
import type { Stats } from "./stats";
import type { LinkState, TrackerLink } from "./tracker_link";

/** How each state of the tracker link is told and coloured. */
const LINK: Record<LinkState, StreamState> = {
  off: { mood: "quiet", text: "not in use" },
  connecting: { mood: "waiting", text: "connecting" },
  connected: { mood: "good", text: "connected" },
  lost: { mood: "bad", text: "lost" },
};

export class View {
  readonly #stats: Stats;
  readonly #link: TrackerLink;
  readonly video = element<HTMLVideoElement>("video");
  readonly #play = element<HTMLButtonElement>("play");

  constructor(stats: Stats, link: TrackerLink) {
    this.#stats = stats;
    this.#link = link;
  }

  start(play: () => void): void {
    this.#play.addEventListener("click", play);
    this.video.addEventListener("playing", () => (this.#play.hidden = true));
    this.#draw();
    setInterval(() => this.#draw(), REDRAW_MS);
  }

  showTitle(title: string): void {
    write("title", title);
    document.title = `${title}, shared by its viewers`;
  }

  showStream(state: StreamState): void {
    writeState("stream-state", state);
    this.#play.hidden = !state.text.startsWith("Press play");
  }

  #draw(): void {
    const { engine, p2pBytes, httpBytes, uploadBytes, peersNow, stalls } = this.#stats;
    const bytes = p2pBytes + httpBytes;
    const percent = bytes === 0 ? null : Math.round((100 * p2pBytes) / bytes);
    write("share", percent === null ? "–" : `${percent} %`);
    element("share-bar").style.inlineSize = `${percent ?? 0}%`;
    write("p2p-bytes", megabytes(p2pBytes));
    write("http-bytes", engine === "native" ? "not told" : megabytes(httpBytes));
    write("upload-bytes", megabytes(uploadBytes));
    write("peers-now", String(peersNow));
    writeState("tracker-link", LINK[this.#link.state]);
    const stalledMs = stalls.reduce((sum, { ms }) => sum + ms, 0);
    write(
      "stalls",
      stalls.length === 0 ? "none" : `${stalls.length}, ${(stalledMs / 1000).toFixed(1)} s`,
    );
  }
}

function megabytes(bytes: number): string {
  if (bytes === 0) return "0 MB";
  return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
}

function writeState(id: string, { mood, text }: StreamState): void {
  write(id, text);
  element(id).dataset["state"] = mood;
}

function write(id: string, text: string): void {
  const target = element(id);
  if (target.textContent !== text) target.textContent = text;
}

function element<E extends HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no #${id}`);
  return found as E;
}
