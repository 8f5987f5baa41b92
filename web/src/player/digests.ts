// Whether a segment from a peer is what the origin made. The origin publishes the SHA-256 of each
// of its segments, signed; the page fetches the list from where the stream comes from, and checks
// what strangers send. What can't be checked is refused, unless the settings say otherwise: it then
// comes over HTTP.
import {
  DIGESTS_CHARS_MAX,
  DIGESTS_LEEWAY_S,
  DIGESTS_TIMEOUT_MS,
  DIGESTS_TRIES,
  DIGESTS_WAIT_MS,
} from "./limits";
import type { Stats } from "./stats";

/** Where a stream's digests are, and what they have to be. */
export interface DigestSettings {
  /** Absolute. */
  url: string;
  /** The public key that has to have signed them, in base64url; null trusts the server alone. */
  key: string | null;
  /** What becomes of a segment whose digest can't be had. */
  unchecked: "refuse" | "accept";
}

/** A JSON Web Signature (RFC 7515, 7.2.2), each part in base64url. */
interface Signed {
  protected: string;
  payload: string;
  signature: string;
}

/** What is signed: the stream's name, until when it is good, and digests in hex by file name. */
interface Claims {
  sub: string;
  exp: number;
  sha256: Record<string, string>;
}

/** The digests of one stream, fetched when a segment comes that they don't name yet. */
export class Digests {
  readonly #settings: DigestSettings;
  readonly #stats: Stats;
  #known = new Map<string, string>();
  #loading: Promise<void> | null = null;

  constructor(settings: DigestSettings, stats: Stats) {
    this.#settings = settings;
    this.#stats = stats;
  }

  /** P2P Media Loader's `validateP2PSegment`: what is false is thrown away, its peer hung up on. */
  readonly isGood = async (
    url: string,
    byteRange: unknown,
    data: ArrayBuffer,
  ): Promise<boolean> => {
    const expected = byteRange === undefined ? await this.#digestOf(url) : undefined;
    const isGood =
      expected === undefined
        ? this.#settings.unchecked === "accept"
        : (await sha256(data)) === expected;
    if (!isGood) {
      this.#stats.refused += 1;
      // It was counted as it came, and the origin has to send it after all.
      this.#stats.p2pBytes = Math.max(0, this.#stats.p2pBytes - data.byteLength);
    }
    return isGood;
  };

  /** A list that is older than the segment is fetched again, and once more when that was a copy. */
  async #digestOf(url: string): Promise<string | undefined> {
    const name = new URL(url).pathname.split("/").at(-1) ?? "";
    for (let tries = 0; !this.#known.has(name) && tries < DIGESTS_TRIES; tries += 1) {
      if (tries > 0) await new Promise((resume) => setTimeout(resume, DIGESTS_WAIT_MS));
      // One fetch, however many segments wait for it.
      this.#loading ??= this.#load().finally(() => (this.#loading = null));
      await this.#loading;
    }
    return this.#known.get(name);
  }

  async #load(): Promise<void> {
    try {
      const { url, key } = this.#settings;
      const signal = AbortSignal.timeout(DIGESTS_TIMEOUT_MS);
      const response = await fetch(url, { cache: "no-cache", signal });
      const text = await response.text();
      if (!response.ok || text.length > DIGESTS_CHARS_MAX) throw new Error(`${response.status}`);
      const signed = JSON.parse(text) as Signed;
      const claims = JSON.parse(new TextDecoder().decode(bytesOf(signed.payload))) as Claims;
      if (key !== null) await verify(signed, claims, url, key);
      this.#known = new Map(Object.entries(claims.sha256));
    } catch (error) {
      console.warn("The digests of the stream can't be had:", error);
    }
  }
}

/** Of the stream that is played, not of another or of last year, and by the key's owner. */
async function verify(signed: Signed, claims: Claims, url: string, key: string): Promise<void> {
  const jwk = { kty: "OKP", crv: "Ed25519", x: key };
  const publicKey = await crypto.subtle.importKey("jwk", jwk, "Ed25519", false, ["verify"]);
  const what = new TextEncoder().encode(`${signed.protected}.${signed.payload}`);
  const signature = bytesOf(signed.signature);
  if (!(await crypto.subtle.verify("Ed25519", publicKey, signature, what))) {
    throw new Error("they are signed by another key");
  }
  // A signed address has its signature in the path, behind a "~".
  const folders = new URL(url).pathname.split("/").slice(0, -1);
  const stream = folders.filter((folder) => !folder.startsWith("~")).at(-1);
  if (claims.sub !== stream) throw new Error(`they are of the stream ${claims.sub}`);
  if (claims.exp + DIGESTS_LEEWAY_S < Date.now() / 1000) throw new Error("they have expired");
}

/** A page that came over plain HTTP has no WebCrypto, and calculates it in JavaScript. */
async function sha256(data: ArrayBuffer): Promise<string> {
  const digest =
    globalThis.crypto?.subtle === undefined
      ? (await import("@noble/hashes/sha2.js")).sha256(new Uint8Array(data))
      : new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
