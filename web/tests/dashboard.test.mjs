// The operators' page in a browser: it shows what the node's sockets do, survives the node's
// restart, asks for a token where the node does, and leaves out nobody who reads it otherwise.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assertAccessible } from "./support/accessibility.mjs";
import { launch, screenshot } from "./support/browser.mjs";
import { startDashboard } from "./support/product.mjs";

const WAIT_MAX_MS = 30_000;
const PEERS = 60;
const TOKEN = "correct-horse-battery";
const DESKTOP = { viewport: { width: 1400, height: 1000 } };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 };

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** A dashboard in a browser of its own; it fails when the page complains. */
async function open(product, options = {}, prepare = async () => {}) {
  const context = await browser.newContext({ ...DESKTOP, ...options });
  const page = await context.newPage();
  await prepare(page);
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") page.complaints.push(message.text());
  });
  page.requested = new Set();
  page.on("request", (request) => page.requested.add(new URL(request.url()).host));
  page.on("websocket", (socket) => page.requested.add(new URL(socket.url()).host));
  await page.goto(product.address.dashboard);
  return page;
}

/** Waits until an element's text is as wanted. */
async function untilText(page, selector, wanted, timeoutMs = WAIT_MAX_MS) {
  const isSo = ([selector, wanted]) =>
    new RegExp(wanted).test(document.querySelector(selector)?.textContent ?? "");
  const argument = [selector, wanted.source ?? `^${wanted}$`];
  const options = { timeout: timeoutMs, polling: 100 };
  await page.waitForFunction(isSo, argument, options).catch(async (error) => {
    const text = await page.evaluate(() => document.body.innerText);
    throw new Error(`${selector} is not ${wanted} (${error.message.split("\n")[0]}):\n${text}`);
  });
}

const figure = (name) => `[data-figure="${name}"]`;

/** Viewers: sockets that announce, `count` of them, in a page of their own. */
async function enter(product, count) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(new URL("/stats.json", product.address.dashboard).href);
  await page.evaluate(
    async ([address, count]) => {
      const pad = (name) => name.padEnd(20, "_");
      const join = (number) =>
        new Promise((joined, failed) => {
          const socket = new WebSocket(address);
          const info_hash = pad(`swarm${number % 3}`);
          const peer_id = pad(`peer${number}`);
          const announce = { action: "announce", info_hash, peer_id, numwant: 0, left: 0 };
          socket.onopen = () => socket.send(JSON.stringify(announce));
          socket.onmessage = joined;
          socket.onerror = failed;
          (window.sockets ??= []).push(socket);
        });
      await Promise.all(Array.from({ length: count }, (_, number) => join(number)));
    },
    [product.address.tracker, count],
  );
  return {
    leave: (count) =>
      page.evaluate((count) => window.sockets.splice(0, count).forEach((s) => s.close()), count),
    end: () => context.close(),
  };
}

test("peers are seen to join and to leave, with their swarms and their ends", async () => {
  const product = await startDashboard({ origin: { streams: [{ name: "film", loop: {} }] } });
  try {
    const page = await open(product);
    await untilText(page, "#link", "live");
    await untilText(page, "#verdict-text", "The node is well");
    await untilText(page, figure("connections"), "0");
    const viewers = await enter(product, PEERS);
    await untilText(page, figure("connections"), String(PEERS));
    await untilText(page, figure("peers"), String(PEERS));
    await untilText(page, figure("swarms"), "3");
    await untilText(page, "#swarms-of", "3 of 3");
    await untilText(page, "#swarms tbody td", String(PEERS / 3));
    await untilText(page, "#streams tbody td", "live");
    await screenshot(page, "dashboard-light");

    await viewers.leave(PEERS - 6);
    await untilText(page, figure("connections"), "6");
    await untilText(page, "#closes tbody tr", /by peer.*54.*54/);
    await untilText(page, "#swarms tbody td[data-kind=down]", /−\d+ in \d+ s/);
    const described = await page.getAttribute(".chart", "aria-label");
    assert.match(described, /^Chart of Connections\. Connections: from 0 to 60, now 6$/);
    await viewers.end();
    await untilText(page, figure("connections"), "0");
    assert.deepEqual(page.complaints, []);
    assert.deepEqual([...page.requested], [new URL(product.address.dashboard).host]);

    // Who comes later sees it, too: the node remembers.
    const later = await open(product, { colorScheme: "dark" });
    await untilText(later, figure("connections"), "0");
    assert.match(await later.getAttribute(".chart", "aria-label"), /from 0 to 60, now 0$/);
    await screenshot(later, "dashboard-dark");
  } finally {
    await product.stop();
  }
});

test("a restart of the node is told, and the page comes back by itself", async () => {
  let product = await startDashboard();
  const port = Number(new URL(product.address.dashboard).port);
  try {
    const page = await open(product);
    await untilText(page, "#link", "live");
    await product.kill();
    await untilText(page, "#link", "away");
    await untilText(page, "#verdict-text", "No word from the node");
    await untilText(page, "#age", /figures are \d+ s old · next try in \d+ s/);
    await product.stop();
    product = await startDashboard({ port });
    await untilText(page, "#link", "live");
    await untilText(page, "#verdict-text", "The node is well");
    // It goes on from what the new one knows.
    const viewers = await enter(product, 3);
    await untilText(page, figure("connections"), "3");
    await viewers.end();
  } finally {
    await product.stop();
  }
});

test("where the node asks for a token the page does, and forgets it when told", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dashboard-test-"));
  const tokenFile = join(folder, "token");
  await writeFile(tokenFile, `${TOKEN}\n`);
  const product = await startDashboard({ dashboard: { tokenFile } });
  try {
    const page = await open(product);
    await page.waitForSelector("#sign-in:not([hidden])");
    assert.equal(await page.isVisible("#board"), false);
    assert.equal(await page.evaluate(() => document.activeElement.id), "token");
    await assertAccessible(page, "the form");
    await screenshot(page, "dashboard-sign-in");
    await page.keyboard.type("wrong-horse-battery");
    await page.keyboard.press("Enter");
    await untilText(page, "#sign-in-error", "the token is not the right one");
    await page.keyboard.type(TOKEN);
    await page.keyboard.press("Enter");
    await untilText(page, "#link", "live");
    assert.equal(await page.isVisible("#sign-in"), false);

    // No script of the page has anything of it, and a reload needs none.
    assert.equal(await page.evaluate(() => document.cookie + JSON.stringify(localStorage)), "{}");
    await page.reload();
    await untilText(page, "#link", "live");
    assert.equal(page.complaints.some((line) => line.includes(TOKEN)), false);
    assert.equal(product.log.includes(TOKEN), false);

    await page.click("#sign-out");
    await page.waitForSelector("#sign-in:not([hidden])");
    await page.reload();
    await page.waitForSelector("#sign-in:not([hidden])");
  } finally {
    await product.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

test("other nodes are listed where the feed tells of some, and missed when silent", async () => {
  const product = await startDashboard();
  const nodes = [
    { name: "east", connections: 1200, peers: 1300, heardSecondsAgo: 1, everySeconds: 5 },
    { name: "west", connections: 7, peers: 7, heardSecondsAgo: 13, everySeconds: 5 },
  ];
  try {
    const page = await open(product, {}, (page) =>
      page.routeWebSocket(/feed$/, (socket) => {
        socket.connectToServer().onMessage((message) => {
          const isSurvey = typeof message === "string" && message.includes('"kind":"survey"');
          socket.send(isSurvey ? JSON.stringify({ ...JSON.parse(message), nodes }) : message);
        });
      }),
    );
    await untilText(page, "#nodes tbody tr:first-child", "east1,2001,3001 s ago");
    await untilText(page, "#nodes td[data-kind=failing]", "13 s ago");
    const alone = await open(product);
    await untilText(alone, "#swarms-of", "0 of 0");
    assert.equal(await alone.isVisible("#nodes-section"), false);
  } finally {
    await product.stop();
  }
});

test("it is for all readers: light and dark, a phone, a keyboard, a screen reader", async () => {
  const product = await startDashboard({ origin: { streams: [{ name: "film", loop: {} }] } });
  try {
    const viewers = await enter(product, 12);
    for (const [name, options] of [
      ["in light", { colorScheme: "light" }],
      ["in dark", { colorScheme: "dark" }],
      ["on a phone", { ...PHONE, colorScheme: "light" }],
      ["on a phone in dark", { ...PHONE, colorScheme: "dark" }],
    ]) {
      const page = await open(product, options);
      await untilText(page, "#swarms tbody td", "4");
      await page.click("#numbers summary");
      await untilText(page, "#numbers-table tbody th", "now");
      await assertAccessible(page, name);
      const over = () => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return scrollWidth - clientWidth;
      };
      assert.equal(await page.evaluate(over), 0, `${name}: wider than the screen`);
      await page.click("#numbers summary");
      await page.evaluate(() => scrollTo(0, 0));
      if (name === "on a phone") await screenshot(page, "dashboard-phone");
      await page.context().close();
    }

    const page = await open(product);
    await untilText(page, "#link", "live");
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowRight");
    const chosen = () => document.querySelector("#window input:checked").value;
    assert.equal(await page.evaluate(chosen), "3600");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await untilText(page, "#numbers-table caption", "Means of 5 min each");
    assert.equal(await page.getAttribute("#verdict-spoken", "role"), "status");
    await viewers.end();
  } finally {
    await product.stop();
  }
});
