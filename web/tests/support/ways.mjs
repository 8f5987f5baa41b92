// The ways in which a client reaches a tracker: ws or wss, with permessage-deflate or without.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { makeCertificate } from "./certificate.mjs";
import { startTracker } from "./product.mjs";

const WAYS = [
  { name: "over ws", tls: false, compression: 0 },
  { name: "over ws with deflate", tls: false, compression: 1 },
  { name: "over wss", tls: true, compression: 0 },
  { name: "over wss with deflate", tls: true, compression: 1 },
];

/** Runs `tests` for each way. They get a stage: its `tracker`, `folder` and `cert` are there once
 * the tests run, and `restart` ends the tracker and starts another in its place. */
export function eachWay(tests) {
  for (const way of WAYS) {
    describe(way.name, () => {
      const stage = {};
      before(async () => {
        stage.folder = await mkdtemp(join(tmpdir(), "way-test-"));
        const { cert, key } = await makeCertificate(stage.folder);
        stage.cert = cert;
        const tls = way.tls ? { cert_file_name: cert, key_file_name: key } : {};
        // Everything is compressed, however short.
        const websockets = { compression: way.compression, compressionThreshold: 1 };
        stage.tracker = await startTracker({ server: tls, websockets });
        stage.restart = async () => {
          const port = Number(new URL(stage.tracker.address.tracker).port);
          await stage.tracker.stop();
          stage.tracker = await startTracker({ server: { ...tls, port }, websockets });
        };
      });
      after(async () => {
        await stage.tracker?.stop();
        await rm(stage.folder, { recursive: true, force: true });
      });
      tests(stage, way);
    });
  }
}
