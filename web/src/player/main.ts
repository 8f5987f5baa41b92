// Puts the page together: settings, then playback, with the figures live from the first moment. The
// peer-to-peer module is loaded beside the settings and may fail to: the stream plays without it.
import { Playback, type P2PModule } from "./playback";
import { loadSettings, SettingsError } from "./settings";
import { StallMeter } from "./stalls";
import { newStats } from "./stats";
import { TrackerLink } from "./tracker_link";
import { View } from "./view";

const stats = (window.__p2pStats = newStats());
const link = new TrackerLink();
const view = new View(stats, link);
link.watch();

void run();

async function run(): Promise<void> {
  // Both at once: the module is as large as the player, and the first picture waits for it.
  const p2pModule = loadP2P();
  try {
    const settings = await loadSettings(location, () =>
      view.showStream({ mood: "waiting", text: "The server is away; trying again" }),
    );
    const playback = new Playback(view.video, settings, stats, (state) => view.showStream(state));
    view.showTitle(settings.title);
    view.start(() => playback.play());
    new StallMeter(view.video, stats.stalls).start();
    playback.start(settings.p2p && settings.trackers.length > 0 ? await p2pModule : null);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    view.showStream({ mood: "bad", text: error.message });
  }
}

async function loadP2P(): Promise<P2PModule> {
  if (typeof RTCPeerConnection === "undefined") return null;
  try {
    return await import("p2p-media-loader-hlsjs");
  } catch (error) {
    console.warn("Peer to peer can't be loaded; playing over HTTP alone.", error);
    return null;
  }
}
