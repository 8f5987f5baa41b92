// The form that takes the token, where the node asks for one. It is sent once, for a cookie that no
// script sees; the page keeps nothing of it.

export class SignIn {
  #form = document.querySelector<HTMLFormElement>("#sign-in");
  #token = document.querySelector<HTMLInputElement>("#token");
  #error = document.querySelector<HTMLElement>("#sign-in-error");
  #out = document.querySelector<HTMLButtonElement>("#sign-out");

  /** `done` is called when somebody has signed in, or out. */
  constructor(done: () => void) {
    this.#form?.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit(done);
    });
    this.#out?.addEventListener("click", () => {
      void fetch("/dashboard/session", { method: "DELETE" }).finally(done);
    });
  }

  /** Shows the form. */
  ask(): void {
    if (this.#form?.hidden === false) return;
    if (this.#form !== null) this.#form.hidden = false;
    this.offerSignOut(false);
    this.#token?.focus();
  }

  /** Hides it, since the node lets us in, or doesn't answer. */
  hide(): void {
    if (this.#form !== null) this.#form.hidden = true;
  }

  /** Whether there is a session to leave. */
  offerSignOut(isSignedIn: boolean): void {
    if (this.#out !== null) this.#out.hidden = !isSignedIn;
  }

  async #submit(done: () => void): Promise<void> {
    const body = this.#token?.value ?? "";
    const sent = fetch("/dashboard/session", { method: "POST", body });
    const answer = await sent.catch(() => undefined);
    if (this.#token !== null) this.#token.value = "";
    const isIn = answer?.ok === true;
    const why = isIn ? "" : ((await answer?.text()) ?? "the node doesn't answer");
    if (this.#error !== null) this.#error.textContent = why.trim();
    if (isIn) done();
    else this.#token?.focus();
  }
}
