// What is remembered of a page that stays open for weeks: the latest, up to a bound.

/** Forgets the entry that was added first, if there are more than `max`. */
export function forgetOldest(of: Map<string, unknown> | Set<string>, max: number): void {
  const [oldest] = of.keys();
  if (of.size > max && oldest !== undefined) of.delete(oldest);
}
