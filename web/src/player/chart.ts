// Rates over two minutes, stacked: what came over HTTP, on it what came from peers, and below the
// line what was sent to them. Colours are the page's, and change with them.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { write } from "./dom";
import type { History, Rates } from "./history";
import { CHART_HEIGHT_PX, HISTORY_S } from "./limits";

export class Chart {
  readonly #target: HTMLElement;
  readonly #history: History;
  #plot: uPlot | null = null;

  constructor(target: HTMLElement, history: History) {
    this.#target = target;
    this.#history = history;
  }

  start(): void {
    this.#make();
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(this.#target);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", () => this.#make());
  }

  draw(): void {
    this.#plot?.setData(data(this.#history.rates));
    const { http, peers, sent } = this.#history.rates.at(-1) ?? { http: 0, peers: 0, sent: 0 };
    const [over, from, to] = [http, peers, sent].map((rate) => rate.toFixed(1));
    write("rates-summary", `Now ${over} over HTTP, ${from} from peers, ${to} sent to peers.`);
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(1, this.#target.clientWidth), height: CHART_HEIGHT_PX };
  }

  #make(): void {
    this.#plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
    const area = (name: string) => ({ stroke: colour(name), fill: colour(name), width: 1 });
    const axis = {
      stroke: colour("quiet"),
      font: "12px system-ui, sans-serif",
      grid: { stroke: colour("line"), width: 1 },
      ticks: { show: false },
    };
    const options: uPlot.Options = {
      ...this.#size(),
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, range: [-HISTORY_S, 0] }, y: { range: around } },
      axes: [
        { ...axis, values: (_plot, seconds) => seconds.map((s) => (s === 0 ? "now" : `${s} s`)) },
        { ...axis, size: 44, values: (_plot, rates) => rates.map((rate) => `${Math.abs(rate)}`) },
      ],
      // The sum is drawn first, and what came over HTTP over it.
      series: [{}, area("peers"), area("http"), area("sent")],
    };
    this.#plot = new uPlot(options, data(this.#history.rates), this.#target);
  }
}

/** Room above and below, and a line that isn't at the very edge while nothing happens. */
function around(_plot: uPlot, min: number, max: number): [number, number] {
  return [Math.min(1.1 * (min || 0), -0.1), Math.max(1.1 * (max || 0), 0.5)];
}

/** Columns as uPlot has them: seconds before now, the sum of both ways, HTTP, and what was sent. */
function data(rates: Rates[]): uPlot.AlignedData {
  return [
    rates.map((_, i) => i + 1 - rates.length),
    rates.map(({ http, peers }) => http + peers),
    rates.map(({ http }) => http),
    rates.map(({ sent }) => -sent),
  ];
}
