// One chart of one or two lines, by uPlot, which draws an hour of seconds in a millisecond. A chart
// is a picture: what it shows is said in words beside it, and all of it is in the table below.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { count, type Format } from "./format";
import type { Figure } from "./series";

const HEIGHT_PX = 92;

/** Between two times on an axis: one to twenty minutes. */
const STEPS_S = [60, 120, 300, 600, 1200];

/** Between two figures on an axis of things that are counted: half of one is none. */
const STEPS_COUNTED = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].flatMap((one) => [one, 2 * one, 5 * one]);

/** All charts of the page show the same moment under the pointer. */
const sync = uPlot.sync("board");

export class Chart {
  #place: HTMLElement;
  #format: Format;
  #labels: string[];
  #plot: uPlot | undefined;
  #data: uPlot.AlignedData = [[]];
  #seconds = 0;

  constructor(place: HTMLElement, labels: string[], format: Format) {
    this.#place = place;
    this.#labels = labels;
    this.#format = format;
    place.setAttribute("role", "img");
    new ResizeObserver(() => this.#resize()).observe(place);
    // Colours are the style sheet's, and a canvas doesn't follow it by itself.
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** Shows these lines of the last `seconds`, `what` being what they are to who can't see them. */
  show(times: number[], lines: Figure[][], seconds: number, what: string): void {
    this.#data = [times, ...lines];
    this.#seconds = seconds;
    this.#place.setAttribute("aria-label", what);
    if (this.#plot === undefined) this.#draw();
    else this.#plot.setData(this.#data);
  }

  #draw(): void {
    this.#plot?.destroy();
    const style = getComputedStyle(this.#place);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const axis = { stroke: colour("--quiet"), ticks: { show: false }, font: "11px system-ui" };
    const grid = { stroke: colour("--line"), width: 1 };
    const value = (_: uPlot, figure: Figure) => this.#format(figure);
    const line = (label: string, index: number): uPlot.Series => ({
      label,
      value,
      stroke: colour(index === 0 ? "--line-1" : "--line-2"),
      ...(index === 0 && this.#labels.length === 1 ? { fill: colour("--fill-1") } : {}),
      width: 1.5,
      points: { show: false },
    });
    const options: uPlot.Options = {
      width: this.#place.clientWidth,
      height: HEIGHT_PX,
      cursor: { sync: { key: sync.key }, y: false, drag: { x: false, y: false } },
      legend: { show: false },
      padding: [6, 0, 0, 0],
      scales: {
        x: { range: (_, __, newest) => [newest - this.#seconds, newest] },
        y: { range: (_, low, high) => [Math.min(0, low ?? 0), top(high)] },
      },
      axes: [
        {
          ...axis,
          size: 20,
          gap: 2,
          space: 50,
          incrs: STEPS_S,
          grid: { show: false },
          values: clock,
        },
        {
          ...axis,
          size: 50,
          gap: 4,
          space: 28,
          ...(this.#format === count ? { incrs: STEPS_COUNTED } : {}),
          grid,
          values: (_, ticks) => ticks.map((tick) => this.#format(tick)),
        },
      ],
      series: [{}, ...this.#labels.map(line)],
    };
    this.#plot = new uPlot(options, this.#data, this.#place);
  }

  #resize(): void {
    this.#plot?.setSize({ width: this.#place.clientWidth, height: HEIGHT_PX });
  }
}

/** Hours and minutes here, where the operator is. */
function clock(_: uPlot, times: number[]): string[] {
  const [hour, minute] = ["2-digit", "2-digit"] as const;
  return times.map((time) => new Date(time * 1000).toLocaleTimeString("en-GB", { hour, minute }));
}

/** A little above the highest figure; of nothing but zeros the axis still has a length. */
function top(high: number | null): number {
  return high === null || high <= 0 ? 1 : high * 1.1;
}
