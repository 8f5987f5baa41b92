// The line that an operator reads first: is the node well, and if not, why. It is read aloud when
// that changes, and only then: figures that rise meanwhile, and the seconds that pass, are for who
// looks.
import type { LinkState } from "./feed";
import { age, count } from "./format";
import type { Tick } from "./messages";

const SAYS = {
  well: "The node is well",
  warning: "Worth a look",
  trouble: "Act now",
} as const;

/** Figures older than that are told to be old while the link seems to be there. */
const STALE_MS = 4000;

export class VerdictLine {
  #section = element("#verdict");
  #text = element("#verdict-text");
  #spoken = element("#verdict-spoken");
  /** What was said last, without its figures. */
  #said = "";
  #reasons = element("#verdict-reasons");
  #age = element("#age");
  #link = element("#link");
  #tick: Tick | undefined;
  #heardAtMs = 0;
  #away: { nextTryAtMs: number } | undefined;

  constructor() {
    setInterval(() => this.#showAge(), 1000);
  }

  tick(tick: Tick): void {
    this.#tick = tick;
    this.#heardAtMs = performance.now();
    const { state, reasons } = tick.verdict;
    const [first] = reasons;
    const text = first === undefined ? SAYS[state] : `${SAYS[state]}: ${first.text}`;
    this.#say(state, text, `${state} ${first?.alert}`);
    const rest = reasons.slice(1).map(({ text }) => text);
    if ([...this.#reasons.children].map((item) => item.textContent).join() !== rest.join()) {
      this.#reasons.replaceChildren(...rest.map(listItem));
    }
    this.#showAge();
  }

  link(state: LinkState): void {
    this.#away = undefined;
    switch (state.is) {
      case "live":
        this.#showLink("good", "live");
        break;
      case "connecting":
        this.#showLink("waiting", "connecting");
        break;
      case "away":
        this.#away = { nextTryAtMs: performance.now() + state.nextTryMs };
        this.#showLink("bad", "away");
        this.#say("away", "No word from the node");
        this.#reasons.replaceChildren();
        break;
      case "signedOut":
        this.#showLink("waiting", "signed out");
        this.#say("away", "Signed out");
        break;
      case "forbidden":
        this.#showLink("bad", "no access");
        this.#say("away", state.why);
        break;
    }
    this.#showAge();
  }

  /** `said` is the same as long as it need not be said again. */
  #say(state: string, text: string, said = text): void {
    this.#section.dataset["state"] = state;
    if (this.#text.textContent !== text) this.#text.textContent = text;
    if (this.#said === said) return;
    this.#said = said;
    this.#spoken.textContent = text;
    document.title = `${state === "well" ? "" : "(!) "}${text} · ${location.host}`;
  }

  #showLink(state: string, text: string): void {
    this.#link.dataset["state"] = state;
    if (this.#link.textContent !== text) this.#link.textContent = text;
  }

  #showAge(): void {
    const parts = [];
    if (this.#tick !== undefined) {
      const oldMs = performance.now() - this.#heardAtMs;
      const isOld = oldMs > STALE_MS || this.#away !== undefined;
      if (isOld) parts.push(`figures are ${age(oldMs / 1000)} old`);
      else parts.push(...calm(this.#tick));
      document.body.classList.toggle("stale", isOld);
    }
    if (this.#away !== undefined) {
      const leftS = Math.max(0, this.#away.nextTryAtMs - performance.now()) / 1000;
      parts.push(`next try in ${age(Math.ceil(leftS))}`);
    }
    this.#age.textContent = parts.join(" · ");
  }
}

function calm({ announceIntervalSeconds, filesOpen, filesMax }: Tick): string[] {
  const parts = [`clients announce every ${age(announceIntervalSeconds)}`];
  if (filesOpen !== null && filesMax !== null) {
    parts.push(`${count(filesOpen)} of ${count(filesMax)} files open`);
  }
  return parts;
}

function listItem(text: string): HTMLLIElement {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}

function element(selector: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(selector);
  if (found === null) throw new Error(`the page has no ${selector}`);
  return found;
}
