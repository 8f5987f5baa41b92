// The one large figure: how much of the stream came from other viewers, and what the origin did not
// send because of it.
import { element, megabytes, write } from "./dom";
import type { Stats } from "./stats";

export function drawFigure({ p2pBytes, httpBytes }: Stats): void {
  const bytes = p2pBytes + httpBytes;
  const percent = bytes === 0 ? null : Math.round((100 * p2pBytes) / bytes);
  write("share", percent === null ? "–" : `${percent} %`);
  element("share-bar").style.inlineSize = `${percent ?? 0}%`;
  write("saved", megabytes(p2pBytes));
}
