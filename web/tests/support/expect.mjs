// What every viewer is promised, in one place for all tests.
import assert from "node:assert/strict";

/** The longest halt of the picture that a viewer is spared, in ms. */
export const STALL_MAX_MS = 250;

/** No stall above the bound since the first picture. */
export function assertNoStall(look, who) {
  const long = look.stalls.filter(({ ms }) => ms > STALL_MAX_MS);
  assert.deepEqual(long, [], `${who} saw the picture stand still: ${JSON.stringify(look)}`);
}

/** The sum of one figure over several viewers. */
export function sum(looks, key) {
  return looks.reduce((total, look) => total + look[key], 0);
}
