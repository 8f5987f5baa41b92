// Takes the dashboard's pictures in docs/operating/: `node pictures.mjs [minutes]`. A load test's
// viewers come, go and are refused meanwhile, so that there is something to see; `cargo build -p
// tracker -p loadtest` makes what it runs, or TRACKER_BIN and LOADTEST_BIN name it.
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { launch, screenshot } from "./support/browser.mjs";
import { binary, startDashboard } from "./support/product.mjs";

const minutes = Number(process.argv[2] ?? 4);
const folder = resolve(import.meta.dirname, "../../docs/operating");

const LOAD = [
  ["--scenario", "churn", "--peers", "1500", "--swarms", "60", "--zipf-exponent", "0.8"],
  ["--scenario", "misbehaving", "--peers", "40", "--swarms", "2"],
];
const LOOKS = {
  "dashboard-light": { viewport: { width: 1400, height: 1150 }, colorScheme: "light" },
  "dashboard-dark": { viewport: { width: 1400, height: 1150 }, colorScheme: "dark" },
  "dashboard-phone": { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 },
};

const product = await startDashboard({ origin: { streams: [{ name: "film", loop: {} }] } });
const duration = ["--duration", `${minutes * 60 + 30}s`];
const loads = LOAD.map((of) => {
  const url = ["--url", product.address.tracker];
  return spawn(binary("loadtest"), [...url, ...of, ...duration], { stdio: "ignore" });
});
const browser = await launch();
try {
  const pages = await Promise.all(
    Object.entries(LOOKS).map(async ([name, look]) => {
      const page = await (await browser.newContext(look)).newPage();
      await page.goto(product.address.dashboard);
      return { name, page };
    }),
  );
  await new Promise((done) => setTimeout(done, minutes * 60_000));
  for (const { name, page } of pages) await screenshot(page, name, folder);
} finally {
  for (const load of loads) load.kill();
  await browser.close();
  await product.stop();
}
