// Viewers behind home routers meet only if they learn their own address from outside. The page's
// STUN server is this tracker's: a browser must get its address from it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setStage } from "./support/stage.mjs";

const stage = setStage();

test("Chromium learns its address from the STUN server that the page names", async () => {
  const viewer = await stage.viewer("viewer");
  const candidates = await viewer.page.evaluate(async () => {
    const { stun } = await (await fetch("/player.json")).json();
    const urls = stun.map((server) => `stun:${server.replace(/^:/, `${location.hostname}:`)}`);
    const connection = new RTCPeerConnection({ iceServers: [{ urls }] });
    connection.createDataChannel("any");
    const gathered = [];
    const complete = new Promise((resolve) => {
      connection.onicecandidate = ({ candidate }) => {
        if (candidate === null) resolve();
        else gathered.push({ type: candidate.type, candidate: candidate.candidate });
      };
    });
    await connection.setLocalDescription();
    await complete;
    connection.close();
    return gathered;
  });
  const reflexive = candidates.filter(({ type }) => type === "srflx");
  assert.ok(reflexive.length > 0, `no server-reflexive candidate: ${JSON.stringify(candidates)}`);
  assert.match(reflexive[0].candidate, / 127\.0\.0\.1 /);
});
