// What a viewer may choose: peer to peer or not, sending to others or not, who plays, and links to
// the same. All of it is in the page's address or remembered, so that it can be passed on.
import { element, write, writeState } from "./dom";
import type { StreamState } from "./engine";
import { COPIED_SHOWN_MS } from "./limits";
import type { Settings } from "./settings";
import type { Sharing } from "./sharing";
import type { SharingState } from "./stats";

/** How each state is told. */
const SHARING: Record<SharingState, StreamState> = {
  on: { mood: "good", text: "Shared with other viewers" },
  off: { mood: "quiet", text: "Not shared: everything comes from the server" },
  ask: { mood: "waiting", text: "Not shared until you agree" },
  metered: { mood: "waiting", text: "Not shared: this connection counts what it carries" },
  impossible: { mood: "quiet", text: "Can't be shared here: everything comes from the server" },
  failed: { mood: "bad", text: "Sharing failed: everything comes from the server" },
};

export class Buttons {
  readonly #settings: Settings;
  readonly #sharing: Sharing;

  constructor(settings: Settings, sharing: Sharing) {
    this.#settings = settings;
    this.#sharing = sharing;
  }

  start(): void {
    const sharing = this.#sharing;
    const onClick = (id: string, act: () => void) => element(id).addEventListener("click", act);
    onClick("sharing", () => sharing.set(sharing.state !== "on"));
    onClick("uploads", () => sharing.setUploads(!sharing.uploads));
    onClick("consent-yes", () => sharing.set(true));
    onClick("consent-no", () => sharing.set(false));
    onClick("copy", () => void this.#copy("copy", this.#link()));
    onClick("copy-snippet", () => void this.#copy("copy-snippet", snippet(this.#link())));
    const engine = element<HTMLSelectElement>("engine");
    engine.value = `${this.#settings.engine} ${this.#settings.format}`;
    engine.addEventListener("change", () => {
      const [name = "", format = ""] = engine.value.split(" ");
      location.search = new URLSearchParams([
        ...[...new URLSearchParams(location.search)].filter(
          ([key]) => key !== "engine" && key !== "format",
        ),
        ["engine", name],
        ["format", format],
      ]).toString();
    });
    sharing.onChange(() => this.draw());
    this.draw();
  }

  draw(): void {
    const { state, uploads } = this.#sharing;
    writeState("sharing-state", SHARING[state]);
    press("sharing", state === "on");
    press("uploads", uploads);
    element<HTMLButtonElement>("sharing").disabled = state === "impossible";
    element<HTMLButtonElement>("uploads").disabled = state !== "on";
    element("consent").hidden = state !== "ask";
    element<HTMLAnchorElement>("another").href = this.#link();
    write("snippet", snippet(this.#link()));
  }

  /** This page with what was chosen; not what was merely remembered. */
  #link(): string {
    const link = new URL(location.href);
    link.hash = "";
    link.searchParams.delete("embed");
    if (this.#sharing.state === "off") link.searchParams.set("p2p", "0");
    else link.searchParams.delete("p2p");
    return link.href;
  }

  /** Pages over plain HTTP have no clipboard: there the link is shown to be copied by hand. */
  async #copy(id: string, text: string): Promise<void> {
    const button = element(id);
    const before = button.dataset["label"] ?? button.textContent ?? "";
    button.dataset["label"] = before;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      prompt("Copy this:", text);
    }
    setTimeout(() => (button.textContent = before), COPIED_SHOWN_MS);
  }
}

/** The player in somebody else's page. */
function snippet(link: string): string {
  const url = new URL(link);
  url.searchParams.set("embed", "1");
  return `<iframe src="${url.href.replaceAll("&", "&amp;")}" width="640" height="360"
  allow="autoplay; fullscreen; picture-in-picture" title="Live stream"></iframe>`;
}

function press(id: string, pressed: boolean): void {
  element(id).setAttribute("aria-pressed", String(pressed));
}
