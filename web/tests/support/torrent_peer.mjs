// One BitTorrent client in a process of its own: `node torrent_peer.mjs TRACKER INFO_HASH [FILE]`.
// With a file it is a seed, which sends the file to every peer that it meets; without one it takes
// it. What happens is told as one JSON object a line. It runs until it is killed: its WebRTC
// library is known to crash when Node exits by itself. It hears `scrape`, `stop` and `update` on its
// standard input.
import "./webrtc_in_node.mjs";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

const { default: Client } = await import("bittorrent-tracker/client");
const [tracker, infoHash, file] = process.argv.slice(2);
const content = file === undefined ? null : readFileSync(file);
const peerId = randomBytes(20).toString("hex");

const client = new Client({
  infoHash,
  peerId,
  announce: [tracker],
  port: 6881, // asked for outside of browsers, and unused over WebSockets
  rtcConfig: { iceServers: [] },
  getAnnounceOpts: () => ({ uploaded: 0, downloaded: 0, left: content === null ? 1 : 0 }),
});

tell("started", { peerId });
client.on("warning", ({ message }) => tell("warning", { message }));
client.on("error", ({ message }) => tell("error", { message }));
client.on("update", ({ interval, complete, incomplete }) => {
  // Of its one socket; the library doesn't show it.
  const { extensions } = client._trackers[0].socket._ws;
  tell("update", { interval, complete, incomplete, extensions });
});
client.on("scrape", ({ complete, incomplete, downloaded }) =>
  tell("scrape", { complete, incomplete, downloaded }),
);
client.on("peer", (peer) => peer.once("connect", () => onConnect(peer)));
process.stdin.on("data", (command) => client[String(command).trim()]());
// The test is gone, and so is the reason to run.
process.stdin.on("end", () => process.kill(process.pid, "SIGKILL"));
// After a close the library waits for 10 s and for up to 5 minutes more, as chance has it.
Math.random = () => 0;
client.start();

function onConnect(peer) {
  tell("connected", { peerId: peer.id });
  if (content === null) receive(peer);
  else send(peer);
}

function send(peer) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  peer.write(length);
  for (let at = 0; at < content.length; at += 16_384) peer.write(content.subarray(at, at + 16_384));
}

function receive(peer) {
  let received = Buffer.alloc(0);
  peer.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    if (received.length < 4 || received.length < 4 + received.readUInt32BE()) return;
    const body = received.subarray(4);
    tell("received", {
      from: peer.id,
      bytes: body.length,
      sha256: createHash("sha256").update(body).digest("hex"),
    });
  });
}

function tell(event, detail) {
  console.log(JSON.stringify({ event, ...detail }));
}
