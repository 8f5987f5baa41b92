// Whether the STUN servers answer, asked by the page itself: P2P Media Loader doesn't tell. It asks
// as a connection would, and once, since a silent server costs each connection seconds.
import { STUN_ANSWER_MAX_MS } from "./limits";

export type StunState = "none" | "unasked" | "asking" | "answers" | "silent";

export class StunCheck {
  readonly #servers: string[];
  state: StunState;

  constructor(servers: string[]) {
    this.#servers = servers;
    this.state = servers.length === 0 ? "none" : "unasked";
  }

  /** Once peers are in use; a page without WebRTC has nothing to ask with. */
  async ask(): Promise<void> {
    if (this.state !== "unasked" || typeof RTCPeerConnection === "undefined") return;
    this.state = "asking";
    const connection = new RTCPeerConnection({ iceServers: [{ urls: this.#servers }] });
    try {
      this.state = (await hearsOfItself(connection)) ? "answers" : "silent";
    } catch {
      this.state = "silent";
    } finally {
      connection.close();
    }
  }
}

/** A server-reflexive candidate is an address that a STUN server told. */
async function hearsOfItself(connection: RTCPeerConnection): Promise<boolean> {
  const heard = new Promise<boolean>((resolve) => {
    connection.addEventListener("icecandidate", ({ candidate }) => {
      if (candidate?.type === "srflx") resolve(true);
    });
    setTimeout(() => resolve(false), STUN_ANSWER_MAX_MS);
  });
  connection.createDataChannel("stun");
  await connection.setLocalDescription();
  return heard;
}
