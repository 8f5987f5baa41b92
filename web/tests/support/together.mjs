// Viewers who watch together for a while, and what they got from each other meanwhile.
import assert from "node:assert/strict";
import { assertNoStall, sum } from "./expect.mjs";

const WARM_UP_S = 14; // what was fetched before the peers met has been played by then
const STEADY_S = 32; // sixteen segments: one that two viewers fetch is 3 % of what two get

/** Whom each of many has met for certain: an announce makes five offers, and the next one is two
 * minutes later. */
export const MET_MAX = 5;

/** Waits until they have met, and then for the steady state: looks before and after. */
export async function watchTogether(viewers) {
  const met = Math.min(viewers.length - 1, MET_MAX);
  await Promise.all(viewers.map((viewer) => viewer.untilPeers(met)));
  await Promise.all(viewers.map((viewer) => viewer.play(WARM_UP_S)));
  const start = await Promise.all(viewers.map((viewer) => viewer.look()));
  await Promise.all(viewers.map((viewer) => viewer.play(STEADY_S)));
  const end = await Promise.all(viewers.map((viewer) => viewer.look()));
  return { start, end };
}

/** Of all that came between the two looks, so much came from peers, and nobody saw a stall. */
export function assertShared({ start, end }, share) {
  const p2p = sum(end, "p2pBytes") - sum(start, "p2pBytes");
  const all = p2p + sum(end, "httpBytes") - sum(start, "httpBytes");
  const told = `${((100 * p2p) / all).toFixed(1)} % from peers (${p2p} of ${all} bytes)`;
  console.log(`${end.length} viewers: ${told}`);
  assert.ok(p2p / all >= share, `${told}: ${JSON.stringify({ start, end })}`);
  end.forEach((look, i) => assertNoStall(look, `viewer ${i + 1}`));
}
