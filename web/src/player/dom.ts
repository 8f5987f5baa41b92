// Writing to the page, in place: only what changed is written, so that a screen reader isn't told
// the same thing again, and nothing is laid out anew for nothing.
import type { StreamState } from "./engine";

/** @throws when index.html has no such element: page and code are built together */
export function element<E extends Element = HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no #${id}`);
  return found as unknown as E;
}

export function write(id: string, text: string): void {
  const target = element(id);
  if (target.textContent !== text) target.textContent = text;
}

/** A text with its mood, by which it is coloured. */
export function writeState(id: string, { mood, text }: StreamState): void {
  write(id, text);
  element(id).dataset["state"] = mood;
}

export function megabytes(bytes: number): string {
  if (bytes === 0) return "0 MB";
  return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
}

/** `1 viewer`, `2 viewers`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
