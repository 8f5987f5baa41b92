// What P2P Media Loader is set to, the same for both engines.
import type { CoreConfig } from "p2p-media-loader-core";
import { Digests } from "./digests";
import { SEGMENT_MEMORY_MIB_MAX } from "./limits";
import type { Settings } from "./settings";
import type { SharingConfig } from "./sharing";
import type { Stats } from "./stats";

export function coreConfig(
  settings: Settings,
  stats: Stats,
  sharing: SharingConfig,
): Partial<CoreConfig> {
  const { swarmId, trackers, stun, digests } = settings;
  return {
    ...sharing,
    swarmId,
    announceTrackers: trackers,
    rtcConfig: { iceServers: stun.map((urls) => ({ urls })) },
    segmentMemoryStorageLimit: SEGMENT_MEMORY_MIB_MAX,
    ...(digests !== null && { validateP2PSegment: new Digests(digests, stats).isGood }),
  };
}
