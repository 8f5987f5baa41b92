// What to play and whom to ask for peers. The server's `/player.json` says it, and the page's query
// string overrides it, so that one page serves every stream, a mirror, or a tracker elsewhere.
import type { DigestSettings } from "./digests";
import {
  BEHIND_TARGETS,
  HTTP_SECONDS,
  QUERY_LIST_MAX,
  RETRY_FIRST_MS,
  RETRY_MAX_MS,
  UPLOAD_KBPS,
} from "./limits";

/** What an origin like ours calls a stream's HLS and its DASH. */
const OWN_PLAYLIST = "/index.m3u8";
const OWN_MANIFEST = "/manifest.mpd";

/** What the page runs with: every address absolute, every default filled in. */
export interface Settings {
  /** Shown above the picture. */
  title: string;
  /** The playlist or manifest, absolute. */
  streamUrl: string;
  /** What plays it. Only Shaka plays DASH. */
  engine: "hls.js" | "shaka";
  format: "hls" | "dash";
  /** Viewers with the same id share; see {@link swarmIdOf}. */
  swarmId: string;
  /** `ws:` and `wss:` addresses. */
  trackers: string[];
  /** `stun:host:port` addresses. */
  stun: string[];
  /** What peers' segments are checked against, or null for streams that have no digests. */
  digests: DigestSettings | null;
  /** False plays over HTTP alone, whatever the viewer said before; null leaves it to him. */
  p2p: boolean | null;
  sharing: SharingSettings;
}

/** How viewers share, as the server says it. */
interface SharingSettings {
  /** `ask` shares only with those who have said yes. */
  consent: "assumed" | "ask";
  /** What may be sent to others, an average in kbit/s; 0 is no limit. */
  uploadKbps: number;
  /** How far behind the live edge to play, in target durations: the room for peers to deliver. */
  behindTargets: number;
  /** What is due within so many seconds comes over HTTP, whatever the peers have. */
  httpSeconds: number;
}

/** `/player.json`, as the server writes it. */
interface ServerSettings {
  streams: ServerStream[];
  trackers: string[];
  stun: string[];
  uncheckedSegments?: "refuse" | "accept";
  sharing?: Partial<SharingSettings>;
}

interface ServerStream {
  name: string;
  url: string;
  /** Where its digests are; streams from elsewhere may have none. */
  digests?: string;
  digestsKey?: string;
}

/** Settings that cannot be used, in words for the person in front of the page. */
export class SettingsError extends Error {}

/**
 * Asks the server until it answers, then applies the query string:
 * `?stream=NAME|URL&format=hls|dash&engine=hls.js|shaka&tracker=URL(,URL)
 * &stun=HOST:PORT(,HOST:PORT)|none&p2p=0&upload=KBPS&behind=TARGETS&http=SECONDS`.
 *
 * @throws {SettingsError} when an address can't be used, or there is no stream to play
 */
export async function loadSettings(page: Location, onRetry: () => void): Promise<Settings> {
  const server = await fetchServerSettings(onRetry);
  const query = new URLSearchParams(page.search);
  const stream = chooseStream(server.streams, query.get("stream"), page);
  const format = formatOf(stream.url, query.get("format"));
  const streamUrl = format === "dash" ? stream.url.replace(OWN_PLAYLIST, OWN_MANIFEST) : stream.url;
  return {
    title: stream.name,
    streamUrl,
    engine: engineOf(format, query.get("engine")),
    format,
    swarmId: swarmIdOf(streamUrl),
    trackers: (listOf(query, "tracker") ?? server.trackers).map((tracker) =>
      trackerUrl(tracker, page),
    ),
    stun: (listOf(query, "stun") ?? server.stun)
      .filter((stun) => stun !== "none")
      .map((stun) => stunUrl(stun, page)),
    digests: digestsOf(stream, page, server.uncheckedSegments),
    p2p: query.get("p2p") === "0" ? false : null,
    sharing: sharingOf(server.sharing ?? {}, query),
  };
}

async function fetchServerSettings(onRetry: () => void): Promise<ServerSettings> {
  for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(2 * waitMs, RETRY_MAX_MS)) {
    try {
      const response = await fetch("/player.json");
      if (response.ok) return (await response.json()) as ServerSettings;
      // Served from a place that has no settings: the query string has to say it all.
      if (response.status === 404) return { streams: [], trackers: [], stun: [] };
    } catch {
      // The server is away, perhaps restarting: the same wait as for any other answer.
    }
    onRetry();
    await new Promise((resume) => setTimeout(resume, waitMs));
  }
}

function chooseStream(
  streams: ServerStream[],
  wanted: string | null,
  page: Location,
): ServerStream {
  const stream = wanted === null ? streams[0] : streams.find(({ name }) => name === wanted);
  if (stream !== undefined) return { ...stream, url: httpUrl(stream.url, page) };
  if (wanted === null) throw new SettingsError("There is no stream here yet.");
  if (!/[/.:]/.test(wanted)) {
    const names = streams.map(({ name }) => name).join(", ") || "none";
    throw new SettingsError(`There is no stream named “${wanted}” here. Streams: ${names}.`);
  }
  const url = httpUrl(wanted, page);
  return { name: new URL(url).pathname.split("/").at(-2) || "Live stream", url };
}

/** The viewer's own numbers go over the server's; consent isn't for a link to give. */
function sharingOf(server: Partial<SharingSettings>, query: URLSearchParams): SharingSettings {
  const number = (key: string, from: number, to: number, otherwise: number): number => {
    const written = query.get(key);
    if (written === null) return otherwise;
    const value = Number(written);
    if (value >= from && value <= to) return value;
    throw new SettingsError(`${key}=${written}: write a number from ${from} to ${to}.`);
  };
  return {
    consent: server.consent ?? "assumed",
    uploadKbps: number("upload", 0, 1_000_000, server.uploadKbps ?? UPLOAD_KBPS),
    behindTargets: number("behind", 2, 60, server.behindTargets ?? BEHIND_TARGETS),
    httpSeconds: number("http", 1, 60, server.httpSeconds ?? HTTP_SECONDS),
  };
}

function digestsOf(
  { url, digests, digestsKey }: ServerStream,
  page: Location,
  unchecked: DigestSettings["unchecked"] = "refuse",
): DigestSettings | null {
  if (digests === undefined) return null;
  return { url: new URL(withHost(digests, page), url).href, key: digestsKey ?? null, unchecked };
}

/** An address ends with what it is, and an origin like ours serves both. */
function formatOf(url: string, written: string | null): Settings["format"] {
  if (written === null) return new URL(url).pathname.endsWith(".mpd") ? "dash" : "hls";
  if (written === "hls" || written === "dash") return written;
  throw new SettingsError(`format=${written}: write hls or dash.`);
}

function engineOf(format: Settings["format"], written: string | null): Settings["engine"] {
  if (written === null) return format === "dash" ? "shaka" : "hls.js";
  if (written === "shaka") return written;
  if (written !== "hls.js") throw new SettingsError(`engine=${written}: write hls.js or shaka.`);
  if (format === "dash") throw new SettingsError("engine=hls.js: it is Shaka that plays DASH.");
  return written;
}

/**
 * The path of the playlist: mirrors, ports and tokens in the query differ between viewers of one
 * stream, and would split them. Two different streams on one tracker therefore need two paths. A
 * stream's HLS and DASH have one folder and the same segments, so their viewers share.
 */
function swarmIdOf(streamUrl: string): string {
  const folders = new URL(streamUrl).pathname.split("/").filter((part) => !part.startsWith("~"));
  return folders.join("/").replace(OWN_PLAYLIST, "/").replace(OWN_MANIFEST, "/");
}

function listOf(query: URLSearchParams, key: string): string[] | null {
  const written = query.get(key);
  if (written === null) return null;
  const list = written.split(",").filter((item) => item !== "");
  return list.slice(0, QUERY_LIST_MAX);
}

function httpUrl(written: string, page: Location): string {
  const url = parse(withHost(written, page), page.href, "stream");
  if (!/^https?:$/.test(url.protocol)) {
    throw new SettingsError(
      `stream=${written}: a stream's address starts with http:// or https://.`,
    );
  }
  return url.href;
}

/** `http://:8080/…` stands for that port of the page's own host name, and `https://:8443/…` too. */
function withHost(written: string, page: Location): string {
  return written.replace(/^(https?:\/\/)(?=:\d)/, `$1${page.hostname}`);
}

/** A path stands for the page's own host, `wss:` where the page is secure. */
function trackerUrl(written: string, page: Location): string {
  const base = `${page.protocol === "https:" ? "wss" : "ws"}://${page.host}/`;
  const url = parse(written, base, "tracker");
  if (!/^wss?:$/.test(url.protocol)) {
    throw new SettingsError(`tracker=${written}: a tracker's address starts with ws:// or wss://.`);
  }
  return url.href;
}

/** `:3478` stands for the page's own host name; the scheme may be left out. */
function stunUrl(written: string, page: Location): string {
  const address = written.replace(/^stun:/, "");
  const full = address.startsWith(":") ? page.hostname + address : address;
  const port = Number(
    /^(?:\[[0-9a-fA-F:.]+\]|[^:[\]/?#@\s]+)(?::(\d{1,5}))?$/.exec(full)?.[1] ?? NaN,
  );
  if (!(port >= 1 && port <= 65_535)) {
    throw new SettingsError(
      `stun=${written}: write HOST:PORT with a port from 1 to 65535, or none.`,
    );
  }
  return `stun:${full}`;
}

function parse(written: string, base: string, key: string): URL {
  try {
    return new URL(written, base);
  } catch {
    throw new SettingsError(`${key}=${written}: this isn't an address.`);
  }
}
