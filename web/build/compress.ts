// Each file once more with brotli and once with gzip, at their slowest: a server should compress
// nothing at run time that never changes.
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** Smaller files fit into one packet as they are. */
const COMPRESSED_BYTES_MIN = 1_000;
const TEXT = /\.(html|js|css|svg)$/;

export function compress(): Plugin {
  return {
    name: "compress",
    enforce: "post",
    // After Vite itself, which writes index.html here.
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        for (const [fileName, file] of Object.entries(bundle)) {
          if (!TEXT.test(fileName)) continue;
          const source = Buffer.from(file.type === "chunk" ? file.code : file.source);
          if (source.length < COMPRESSED_BYTES_MIN) continue;
          const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
          const brotli = brotliCompressSync(source, { params: quality });
          this.emitFile({ type: "asset", fileName: `${fileName}.br`, source: brotli });
          const gzip = gzipSync(source, { level: constants.Z_BEST_COMPRESSION });
          this.emitFile({ type: "asset", fileName: `${fileName}.gz`, source: gzip });
        }
      },
    },
  };
}
