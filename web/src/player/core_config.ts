// What P2P Media Loader is set to, the same for both engines.
import type { CoreConfig } from "p2p-media-loader-core";
import { Digests } from "./digests";
import type { Page } from "./engine";
import { SEGMENT_MEMORY_MIB_MAX } from "./limits";

export function coreConfig({ settings, stats, sharing }: Page): Partial<CoreConfig> {
  const { swarmId, trackers, stun, digests } = settings;
  return {
    ...sharing.config,
    swarmId,
    announceTrackers: trackers,
    rtcConfig: { iceServers: stun.map((urls) => ({ urls })) },
    segmentMemoryStorageLimit: SEGMENT_MEMORY_MIB_MAX,
    ...(digests !== null && { validateP2PSegment: new Digests(digests, stats).isGood }),
  };
}
