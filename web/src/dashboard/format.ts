// Figures as an operator reads them: as many digits as mean something, and the unit beside them.
import type { Figure } from "./series";

const UNKNOWN = "–";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export type Format = (figure: Figure) => string;

const known = (format: (figure: number) => string): Format => {
  return (figure) => (figure === null ? UNKNOWN : format(figure));
};

/** `12,345`. */
export const count = known((figure) => whole.format(figure));

/** `0.4`, `12`, `3,456`. */
export const rate = known((figure) =>
  figure > 0 && figure < 10 ? figure.toFixed(1) : whole.format(figure),
);

/** `85 µs`, `2.4 ms`, `1.2 s`. */
export const duration = known((seconds) => {
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${threeDigits(seconds * 1000)} ms`;
  return `${threeDigits(seconds)} s`;
});

/** `512 MB`. */
export const bytes = known((figure) => {
  if (figure < 1e6) return `${Math.round(figure / 1000)} kB`;
  return figure < 1e9 ? `${threeDigits(figure / 1e6)} MB` : `${threeDigits(figure / 1e9)} GB`;
});

/** `35 %`, of a core or of whatever is there. */
export const percent = known((share) =>
  share > 0 && share < 0.0995 ? `${(share * 100).toFixed(1)} %` : `${whole.format(share * 100)} %`,
);

/** `3.2 Mbit/s`. */
export const bitrate = known((bits) =>
  bits < 1e6 ? `${Math.round(bits / 1000)} kbit/s` : `${threeDigits(bits / 1e6)} Mbit/s`,
);

/** `4 s`, `12 min`, `3 h`, `5 days`: how long ago, roughly. */
export const age = known((seconds) => {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
});

/** `per_ip_rate` as `per ip rate`. */
export function words(label: string): string {
  return label.replaceAll("_", " ");
}

function threeDigits(figure: number): string {
  return figure < 100 ? String(Number(figure.toPrecision(3))) : whole.format(figure);
}
