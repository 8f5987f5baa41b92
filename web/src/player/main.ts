// Puts the page together: settings, then playback, with the figures live from the first moment. The
// peer-to-peer module is loaded beside the settings and may fail to: the stream plays without it.
import { Connections } from "./connections";
import { element } from "./dom";
import type { StreamState } from "./engine";
import type { P2PModule } from "./hls_engine";
import { Playback } from "./playback";
import { loadSettings, SettingsError } from "./settings";
import { Sharing } from "./sharing";
import { StallMeter } from "./stalls";
import { newStats } from "./stats";
import { TrackerLink } from "./tracker_link";
import { Turns } from "./turns";
import { View } from "./view";

const stats = (window.__p2pStats = newStats());
const connections = new Connections();
const turns = new Turns();
const link = new TrackerLink({
  said: (message) => turns.said(message),
  told: (message) => {
    connections.told(message);
    turns.told(message);
  },
});
const view = new View(stats, link, connections);
connections.watch();
link.watch();

void run();

async function run(): Promise<void> {
  // Both at once: the first picture waits for either.
  const p2pModule = loadP2P();
  try {
    const settings = await loadSettings(location, () =>
      view.showStream({ mood: "waiting", text: "The server is away; trying again" }),
    );
    const sharing = new Sharing(settings, stats, turns);
    const show = (state: StreamState) => view.showStream(state);
    const playback = new Playback({ video: view.video, settings, stats, sharing, show });
    new StallMeter(view.video, stats).start();
    sharing.start();
    const opened = playback.start(p2pModule);
    view.start(settings, sharing, playback);
    await Promise.all([opened, addControls(playback)]);
  } catch (error) {
    const isKnown = error instanceof SettingsError;
    const text = isKnown ? error.message : "The player can't be loaded; reload the page";
    view.showStream({ mood: "bad", text });
    if (!isKnown) throw error;
  }
}

async function loadP2P(): Promise<P2PModule> {
  if (typeof RTCPeerConnection === "undefined") return null;
  try {
    return await import("./p2p_hls");
  } catch (error) {
    console.warn("Peer to peer can't be loaded; playing over HTTP alone.", error);
    return null;
  }
}

/** Where they can't be had, the browser's own controls do. */
async function addControls(playback: Playback): Promise<void> {
  try {
    const { bindControls } = await import("./controls");
    bindControls(element("controls"), () => playback.toLive());
  } catch (error) {
    console.warn("The controls can't be loaded; showing the browser's.", error);
    view.video.controls = true;
  }
}
