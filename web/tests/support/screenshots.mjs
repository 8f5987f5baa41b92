// The player's pictures in `docs/screenshots`: two viewers who share, once they have something to
// show, in light, in dark and on a phone. `make screenshots` runs it.
import { resolve } from "node:path";
import { launch, Viewer } from "./browser.mjs";
import { startAll } from "./product.mjs";

const FOLDER = resolve(import.meta.dirname, "../../../docs/screenshots");
const SHOWN_S = 60;
const VIEWERS = [
  ["player-light", { colorScheme: "light", viewport: { width: 1100, height: 940 } }],
  ["player-dark", { colorScheme: "dark", viewport: { width: 1100, height: 940 } }],
  [
    "player-phone",
    { colorScheme: "light", viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  ],
];

const product = await startAll();
const browser = await launch();
try {
  const viewers = await Promise.all(
    VIEWERS.map(([name, context]) => Viewer.open(browser, name, [product], { context })),
  );
  await Promise.all(viewers.map((viewer) => viewer.play(SHOWN_S)));
  for (const { name, page } of viewers) {
    await page.screenshot({ path: resolve(FOLDER, `${name}.png`), fullPage: true });
  }
} finally {
  await browser.close();
  await product.stop();
}
