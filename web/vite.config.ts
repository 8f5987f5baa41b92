// How the page is bundled. `cargo build` runs this through build.rs, which names the folder to
// write to.
import { defineConfig } from "vite";

export default defineConfig({
  base: "/",
  resolve: {
    // P2P Media Loader's core pulls in Node's stream classes. Its authors ship a bundle with those
    // filled in under this condition; without it the page dies with "Class extends value
    // undefined".
    conditions: ["p2pml:core-as-bundle", "module", "browser", "development|production"],
  },
  build: {
    target: "es2022",
    rolldownOptions: { input: ["index.html", "dashboard.html"] },
    // Every asset is a file with a hash in its name: the server calls those immutable for a year,
    // and the Content-Security-Policy needs no exception for data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // hls.js and P2P Media Loader are what they are; the default would warn about them in every
    // build.
    chunkSizeWarningLimit: 700,
  },
});
