// What a reader's software needs of a page, by axe-core's rules.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const { resolve } = createRequire(import.meta.url);
const source = await readFile(resolve("axe-core/axe.min.js"), "utf8");

/** Fails if axe finds anything serious on the page as it stands. */
export async function assertAccessible(page, what) {
  // By the debugger: the page's own policy lets no script in.
  await page.evaluate(source);
  const { violations } = await page.evaluate(() => window.axe.run());
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  const told = serious.map(({ id, help, nodes }) => {
    const places = nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`);
    return [`${id}: ${help}`, ...places].join("\n");
  });
  assert.equal(serious.length, 0, `${what}:\n${told.join("\n")}`);
}
