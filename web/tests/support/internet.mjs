// Homes behind routers, on one machine: network namespaces of the test's own. Each router does what
// home routers do: it translates addresses and lets nobody in who wasn't asked.
import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CHROMIUM } from "./browser.mjs";

/** The server's address, from a block that RFC 5737 keeps for examples. */
export const SERVER = "203.0.113.1";

/** What comes from outside must belong to something that began inside. Without the rule on input
 * Linux would note the other side's first packet as a connection of the router's own, and give the
 * viewer's a port other than the one that STUN told: no packet would find through. */
const ROUTER_RULES = `
  table ip router {
    chain translate { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }
    chain forward {
      type filter hook forward priority filter; policy drop;
      iifname "lan" accept; ct state established,related accept;
    }
    chain input {
      type filter hook input priority filter; policy drop;
      iifname "lan" accept; ct state established,related accept;
    }
  }`;

/** One network that all routers and the server are in. */
export class Internet {
  #prefix = `p2p-${process.pid}-`;
  #namespaces = [];
  #homes = 0;
  #folder;

  /** With the server's end of it; needs root, and `ip` and `nft`. */
  static async open() {
    const internet = new Internet();
    internet.#folder = await mkdtemp(join(tmpdir(), "internet-"));
    const core = await internet.#namespace("core");
    await ip(`-n ${core} link add core type bridge`);
    await ip(`-n ${core} link set core up`);
    await ip(`-n ${core} addr add ${SERVER}/24 dev core`);
    return internet;
  }

  /** The command that runs another one where the server is. */
  get server() {
    return inside(`${this.#prefix}core`);
  }

  /** A home with a router of its own. Returns the path of a Chromium that runs in there. */
  async home() {
    this.#homes += 1;
    const number = this.#homes;
    const router = await this.#namespace(`router${number}`);
    const home = await this.#namespace(`home${number}`);
    const core = `${this.#prefix}core`;
    await ip(`-n ${core} link add home${number} type veth peer name wan netns ${router}`);
    await ip(`-n ${core} link set home${number} master core up`);
    await ip(`-n ${router} addr add 203.0.113.${10 + number}/24 dev wan`);
    await ip(`-n ${router} link set wan up`);
    await ip(`-n ${router} link add lan type veth peer name eth0 netns ${home}`);
    await ip(`-n ${router} addr add 192.168.${number}.1/24 dev lan`);
    await ip(`-n ${router} link set lan up`);
    await ip(`-n ${home} addr add 192.168.${number}.2/24 dev eth0`);
    await ip(`-n ${home} link set eth0 up`);
    await ip(`-n ${home} route add default via 192.168.${number}.1`);
    await run([...inside(router), "sysctl", "-q", "-w", "net.ipv4.ip_forward=1"]);
    const rules = join(this.#folder, "router.nft");
    await writeFile(rules, ROUTER_RULES);
    await run([...inside(router), "nft", "-f", rules]);
    return this.#chromium(home);
  }

  /** Everything in it has to have ended before. */
  async close() {
    for (const namespace of this.#namespaces.reverse()) await ip(`netns del ${namespace}`);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #namespace(name) {
    const namespace = this.#prefix + name;
    await ip(`netns add ${namespace}`);
    this.#namespaces.push(namespace);
    await ip(`-n ${namespace} link set lo up`);
    return namespace;
  }

  async #chromium(home) {
    const path = join(this.#folder, `chromium-${home}`);
    await writeFile(path, `#!/bin/sh\nexec ${inside(home).join(" ")} ${CHROMIUM} "$@"\n`);
    await chmod(path, 0o755);
    return path;
  }
}

function inside(namespace) {
  return ["ip", "netns", "exec", namespace];
}

function ip(args) {
  return run(["ip", ...args.split(" ")]);
}

function run([command, ...args]) {
  return promisify(execFile)(command, args);
}
