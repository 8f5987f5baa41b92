// The figures of the node, each with its chart: what they are called, where they come from, and the
// table that has the same for whoever reads rather than looks.
import { Chart } from "./chart";
import { age, bytes, count, duration, type Format, percent, rate } from "./format";
import type { Figure, Series } from "./series";
import { fillTable } from "./table";

interface Definition {
  title: string;
  /** Columns of the series: one, or two with what tells them apart. */
  lines: { column: string; label: string }[];
  format: Format;
  hint: string;
}

const one = (title: string, column: string, format: Format, hint: string): Definition => {
  return { title, lines: [{ column, label: title }], format, hint };
};

const FIGURES: Definition[] = [
  one("Connections", "connections", count, "open sockets of viewers"),
  one("Peers", "peers", count, "members of swarms"),
  one("Swarms", "swarms", count, "with a member"),
  one("Announces", "announces", rate, "a second"),
  one("Relays", "relays", rate, "offers and answers a second"),
  {
    title: "Relay latency",
    lines: [
      { column: "relayP50", label: "p50" },
      { column: "relayP99", label: "p99" },
    ],
    format: duration,
    hint: "from read to write",
  },
  {
    title: "Refused",
    lines: [
      { column: "refusals", label: "messages" },
      { column: "turnedAway", label: "handshakes" },
    ],
    format: rate,
    hint: "a second",
  },
  one("Sockets ended", "closes", rate, "a second, for whatever reason"),
  one("CPU", "cpu", percent, "of a core, all threads"),
  one("Memory", "memory", bytes, "resident"),
];

/** Rows of the table, however long the window is. */
const TABLE_ROWS = 12;

export class Figures {
  #series: Series;
  #cards: { definition: Definition; values: HTMLElement[]; chart: Chart }[];
  #table = document.querySelector<HTMLTableElement>("#numbers-table");
  #details = document.querySelector<HTMLDetailsElement>("#numbers");

  constructor(place: HTMLElement, series: Series) {
    this.#series = series;
    this.#cards = FIGURES.map((definition) => {
      const { card, values, picture } = cardOf(definition);
      place.append(card);
      const labels = definition.lines.map(({ label }) => label);
      return { definition, values, chart: new Chart(picture, labels, definition.format) };
    });
  }

  /** Writes the newest figures. */
  showNow(): void {
    for (const { definition, values } of this.#cards) {
      for (const [index, { column }] of definition.lines.entries()) {
        const value = values[index];
        if (value !== undefined) value.textContent = definition.format(this.#series.now(column));
      }
    }
  }

  /** Draws the last `seconds`. */
  draw(seconds: number): void {
    for (const { definition, chart } of this.#cards) {
      const lines = definition.lines.map(({ column }) => this.#series.last(column, seconds));
      const times = this.#series.times(lines[0]?.length ?? 0);
      chart.show(times, lines, seconds, inWords(definition, lines));
    }
    if (this.#details?.open === true) this.#fillTable(seconds);
  }

  #fillTable(seconds: number): void {
    const step = seconds / TABLE_ROWS;
    const lines = FIGURES.flatMap(({ title, lines: of, format }) =>
      of.map(({ column, label }) => ({
        head: of.length === 1 ? title : `${title}, ${label}`,
        column,
        format,
      })),
    );
    const rows = Array.from({ length: TABLE_ROWS }, (_, index) => ({
      key: String(index),
      cells: [
        index === 0 ? "now" : `${age(index * step)} ago`,
        ...lines.map(({ column, format }) => format(this.#series.mean(column, step, index * step))),
      ],
    }));
    const heads = ["Until", ...lines.map(({ head }) => head)];
    const caption = `Means of ${age(step)} each`;
    if (this.#table !== null) fillTable(this.#table, heads, rows, { caption });
  }
}

function cardOf(definition: Definition) {
  const card = document.createElement("article");
  const title = document.createElement("h3");
  title.textContent = definition.title;
  const value = document.createElement("p");
  value.className = "value";
  const values = definition.lines.map(({ label }, index) => {
    const figure = document.createElement("span");
    figure.dataset["figure"] = definition.lines[index]?.column;
    const part = document.createElement("span");
    if (definition.lines.length > 1) {
      const name = document.createElement("small");
      name.className = `key key-${index + 1}`;
      name.textContent = label;
      part.append(name, " ");
    }
    part.append(figure);
    value.append(part, " ");
    return figure;
  });
  const hint = document.createElement("p");
  hint.className = "quiet hint";
  hint.textContent = definition.hint;
  const picture = document.createElement("div");
  picture.className = "chart";
  card.append(title, value, hint, picture);
  return { card, values, picture };
}

/** `Peers, from 12 to 300, now 280`. */
function inWords({ title, lines, format }: Definition, figures: Figure[][]): string {
  const parts = lines.map(({ label }, index) => {
    const known = (figures[index] ?? []).filter((figure) => figure !== null);
    if (known.length === 0) return `${label}: nothing yet`;
    const [low, high] = [Math.min(...known), Math.max(...known)];
    return `${label}: from ${format(low)} to ${format(high)}, now ${format(known.at(-1) ?? null)}`;
  });
  return `Chart of ${title}. ${parts.join("; ")}`;
}
