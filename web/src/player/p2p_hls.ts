// P2P Media Loader for hls.js, in a file of its own so that it is loaded beside the settings.
import { nameAlike } from "./renditions";

export { HlsJsP2PEngine } from "p2p-media-loader-hlsjs";

nameAlike();
