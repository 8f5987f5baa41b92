// The operators' page: whether the node is well, live, with the last hour. Everything on it comes
// over one feed, a tick a second, whose size doesn't grow with the node's viewers.
import { Feed, type LinkState } from "./feed";
import { Figures } from "./figures";
import { age } from "./format";
import { showSurvey, showTick } from "./lists";
import type { Hello, Message } from "./messages";
import { Series } from "./series";
import { SignIn } from "./sign_in";
import { VerdictLine } from "./verdict";

/** An hour's charts change too little in a second to be drawn for it. */
const TICKS_PER_LONG_DRAW = 5;
const LONG_WINDOW_S = 600;

const board = document.querySelector<HTMLElement>("#board");
const place = document.querySelector<HTMLElement>("#figures");
const host = document.querySelector<HTMLElement>("#host");
const about = document.querySelector<HTMLElement>("#about");
if (board === null || place === null || host === null || about === null) {
  throw new Error("the page isn't whole");
}

const series = new Series();
const figures = new Figures(place, series);
const verdict = new VerdictLine();
const signIn = new SignIn(() => feed.start());
const feed = new Feed({ link: showLink, message: take, history: takeHistory });
let hello: Hello | undefined;
let ticks = 0;

host.textContent = location.host;
for (const id of ["#window", "#numbers"]) {
  for (const event of ["change", "toggle"]) {
    document.querySelector(id)?.addEventListener(event, () => figures.draw(windowS()));
  }
}
feed.start();

function showLink(state: LinkState): void {
  verdict.link(state);
  if (state.is === "signedOut") {
    board!.hidden = true;
    signIn.ask();
  } else if (state.is !== "connecting") {
    signIn.hide();
    if (state.is === "live") signIn.offerSignOut(state.pass === "session");
    board!.hidden = false;
  }
}

function take(message: Message): void {
  switch (message.kind) {
    case "hello":
      hello = message;
      series.begin(message);
      break;
    case "tick":
      series.push(message);
      verdict.tick(message);
      figures.showNow();
      showTick(message);
      showAbout(message.atMs);
      ticks += 1;
      // Nobody sees what is drawn behind another window.
      if (document.hidden) break;
      if (windowS() <= LONG_WINDOW_S || ticks % TICKS_PER_LONG_DRAW === 1) figures.draw(windowS());
      break;
    case "survey":
      showSurvey(message);
      break;
  }
}

function takeHistory(bytes: ArrayBuffer): void {
  series.takeHistory(bytes, hello?.rows ?? 0);
  ticks = 0;
}

function showAbout(atMs: number): void {
  if (hello === undefined) return;
  about!.textContent = `version ${hello.version} · up ${age((atMs - hello.startedAtMs) / 1000)}`;
}

/** How much the charts show, in seconds. */
function windowS(): number {
  const checked = document.querySelector<HTMLInputElement>("#window input:checked");
  return Number(checked?.value ?? 300);
}
