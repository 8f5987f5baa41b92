// Whose turn it is to fetch over HTTP what no viewer has yet. Left to themselves all viewers ask for
// it at the same moment, `httpSeconds` before it is due; here each begins a random time sooner, so
// that one of them has it, and has told the others, before their own time comes.
import { TURN_S } from "./limits";
import type { Settings } from "./settings";
import type { Stats } from "./stats";

/** What P2P Media Loader is told: seconds before it is due from which a segment comes over HTTP. */
interface P2PEngine {
  applyDynamicConfig(config: { core: { highDemandTimeWindow: number } }): void;
}

/** Draws every turn, until the timer is cleared. */
export function takeTurns(
  p2p: P2PEngine,
  settings: Settings,
  stats: Stats,
): ReturnType<typeof setInterval> {
  return setInterval(() => {
    const soonerS = drawSoonerS(stats.peersNow + 1);
    const highDemandTimeWindow = settings.sharing.httpSeconds + soonerS;
    p2p.applyDynamicConfig({ core: { highDemandTimeWindow } });
  }, TURN_S * 1_000);
}

/**
 * From 0 to `TURN_S`. Most draws are close to 0 and few are far from it, the fewer the more viewers
 * there are: the timers by which one of many receivers speaks for all (RFC 5401, section 3.2.1).
 * One or two of them do so before the others, however many they are.
 */
function drawSoonerS(viewers: number): number {
  if (viewers === 1) return 0;
  const lambda = Math.log(viewers) + 1;
  return TURN_S - (TURN_S / lambda) * Math.log1p(Math.random() * Math.expm1(lambda));
}
