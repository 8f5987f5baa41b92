// WebRTC for BitTorrent clients in Node. Theirs is a native addon that is downloaded by an install
// script, which never runs here; the same interface comes from a package that carries its binary.
import { register } from "node:module";

const replacement = `
  import wrtc from ${JSON.stringify(import.meta.resolve("@roamhq/wrtc"))};
  export const { RTCPeerConnection, RTCSessionDescription, RTCIceCandidate } = wrtc;
`;
const hooks = `
  const url = ${JSON.stringify(`data:text/javascript,${encodeURIComponent(replacement)}`)};
  export function resolve(specifier, context, next) {
    return specifier === "webrtc-polyfill" ? { url, shortCircuit: true } : next(specifier, context);
  }
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
