// How the page is bundled. `cargo build` runs this through build.rs, which names the folder to
// write to.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { compress } from "./build/compress";
import { preload } from "./build/preload";
import { styleHashes } from "./build/style_hashes";

/**
 * hls.js as released has everything, and is two thirds of the page's script. Its sources have these
 * switches: what no stream of an origin like ours uses is left out, which spares 37 kB of gzip.
 */
const HLS_PARTS = {
  ALT_AUDIO: true,
  SUBTITLES: true,
  CONTENT_STEERING: true,
  VARIABLE_SUBSTITUTION: true,
  M2TS_ADVANCED_CODECS: true,
  MEDIA_CAPABILITIES: true,
  EME_DRM: false,
  CMCD: false,
  INTERSTITIALS: false,
  IFRAMES: false,
};

/** Of media-chrome, as `src/player/controls.ts` imports them, and what they are made of. */
const CONTROLS = [
  "control-bar",
  "controller",
  "fullscreen-button",
  "gesture-receiver",
  "live-button",
  "mute-button",
  "pip-button",
  "play-button",
  "tooltip",
  "volume-range",
].map((name) => `media-chrome/dist/media-${name}.js`);

const hls = JSON.parse(readFileSync(file("node_modules/hls.js/package.json"), "utf8"));

const parts = Object.entries(HLS_PARTS).map(([part, used]) => [`__USE_${part}__`, `${used}`]);

export default defineConfig({
  base: "/",
  plugins: [preload("p2p_hls"), styleHashes(CONTROLS), compress()],
  define: {
    ...Object.fromEntries(parts),
    // The bundles that load a worker: the page has none, see `enableWorker`.
    __HLS_WORKER_BUNDLE__: "undefined",
    __IN_WORKER__: "false",
    __VERSION__: JSON.stringify(hls.version),
  },
  resolve: {
    alias: [
      { find: /^hls\.js$/, replacement: file("node_modules/hls.js/src/exports-named.ts") },
      // The same for browsers of today; P2P Media Loader's types name the other.
      { find: /(shaka-player\.compiled)\.js$/, replacement: "$1-es2021.js" },
    ],
    // P2P Media Loader's core pulls in Node's stream classes. Its authors ship a bundle with those
    // filled in under this condition; without it the page dies with "Class extends value
    // undefined".
    conditions: ["p2pml:core-as-bundle", "module", "browser", "development|production"],
  },
  build: {
    target: "es2022",
    // Every asset is a file with a hash in its name: the server calls those immutable for a year,
    // and the Content-Security-Policy needs no exception for data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // A page a line.
    rolldownOptions: { input: ["index.html", "dashboard.html"].map(file) },
    // hls.js, P2P Media Loader and Shaka are what they are; the default would warn about them in
    // every build.
    chunkSizeWarningLimit: 800,
  },
});

function file(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
