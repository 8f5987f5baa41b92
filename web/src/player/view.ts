// Draws the page: text and figures twice a second, the chart once, all of it in place.
import { Buttons } from "./buttons";
import type { Connections } from "./connections";
import { element, write, writeState } from "./dom";
import type { StreamState } from "./engine";
import { drawFacts } from "./facts";
import { drawFigure } from "./figure";
import { drawGraph } from "./graph";
import { History } from "./history";
import { HISTORY_STEP_MS, REDRAW_MS } from "./limits";
import type { Playback } from "./playback";
import type { Settings } from "./settings";
import type { Sharing } from "./sharing";
import type { Stats } from "./stats";
import { drawStrip } from "./strip";
import { StunCheck } from "./stun_check";
import type { TrackerLink } from "./tracker_link";

export class View {
  readonly #stats: Stats;
  readonly #link: TrackerLink;
  readonly #connections: Connections;
  readonly video = element<HTMLVideoElement>("video");
  readonly #play = element<HTMLButtonElement>("play");

  constructor(stats: Stats, link: TrackerLink, connections: Connections) {
    this.#stats = stats;
    this.#link = link;
    this.#connections = connections;
    if (new URLSearchParams(location.search).has("embed")) document.body.classList.add("embedded");
  }

  start(settings: Settings, sharing: Sharing, playback: Playback): void {
    write("title", settings.title);
    document.title = `${settings.title}, shared by its viewers`;
    this.#play.addEventListener("click", () => playback.play());
    this.video.addEventListener("playing", () => (this.#play.hidden = true));
    new Buttons(settings, sharing).start();

    const stun = new StunCheck(settings.stun);
    const draw = () => {
      playback.measure();
      // Not at once: the first picture goes before.
      if (sharing.state === "on" && this.#stats.tFirstFrame !== null) void stun.ask();
      void this.#connections.look(this.#stats.peers);
      drawFigure(this.#stats);
      drawFacts(this.#stats, this.#link.state, stun.state);
      drawGraph(this.#stats);
      drawStrip(this.#stats);
    };
    draw();
    setInterval(draw, REDRAW_MS);
    void this.#drawHistory().catch((error: unknown) => console.warn("There is no chart:", error));
  }

  async #drawHistory(): Promise<void> {
    const history = new History(this.#stats);
    setInterval(() => history.sample(), HISTORY_STEP_MS);
    const { Chart } = await import("./chart");
    const chart = new Chart(element("chart"), history);
    chart.start();
    setInterval(() => chart.draw(), HISTORY_STEP_MS);
  }

  showStream(state: StreamState): void {
    writeState("stream-state", state);
    this.#play.hidden = !state.text.startsWith("Press play");
  }
}
