// Shaka Player and P2P Media Loader for it, in a file of their own: they are loaded when asked for.
import { nameAlike } from "./renditions";

export { default as shaka } from "shaka-player/dist/shaka-player.compiled.js";
export { ShakaP2PEngine } from "p2p-media-loader-shaka";

nameAlike();
