// One name for each rendition and one number for each segment, whatever plays them: both are read
// from the segments' addresses, which HLS and DASH have in common. P2P Media Loader's packages name
// renditions by properties (hls.js) or by order (Shaka), and number DASH's segments by time, so
// that viewers with different engines would hold the same bytes and never meet.
import { Core } from "p2p-media-loader-core";
import type { Segment, Stream } from "p2p-media-loader-core";

/** A segment's place in its rendition. */
interface Place {
  /** The address's path without the number, such as `/live/news/video-720-#.m4s`. */
  rendition: string;
  number: number;
}

/**
 * From then on, in either package. Ranges of a file and segments without a number keep what their
 * package says: their viewers share with those of the same engine.
 */
export function nameAlike(): void {
  if (Core.prototype.updateStream !== updateStream) return;
  const named = new WeakSet<Stream>();
  Core.prototype.updateStream = function (streamId, added, removed) {
    const stream = this.getStream(streamId);
    const segments = [...(added ?? [])].map((segment) => {
      const place = placeOf(segment);
      if (place === null || stream === undefined) return segment;
      if (!named.has(stream)) (stream as { index: string }).index = place.rendition;
      named.add(stream);
      return { ...segment, externalId: place.number };
    });
    updateStream.call(this, streamId, segments, removed);
  };
}

const { updateStream } = Core.prototype;

/** A signature in the path, behind a `~`, is each viewer's own. */
function placeOf({ url, byteRange }: Segment): Place | null {
  if (byteRange !== undefined) return null;
  const folders = new URL(url).pathname.split("/").filter((folder) => !folder.startsWith("~"));
  const file = folders.pop() ?? "";
  const [, before, digits, after] = /^(.*?)(\d{1,15})(\D*\.\w+)$/.exec(file) ?? [];
  if (digits === undefined) return null;
  const rendition = [...folders, `${before}#${after}`].join("/");
  return { rendition, number: Number(digits) };
}
