/**
 * Stands in for the sidecar where a test is about `up` alone: keeps the contract between the two
 * (configuration file, ready file, parent pipe, HTTP of status and drain) and does no work.
 *
 *     node fake-sidecar.ts [--end-at-once] --config FILE --parent-pipe 0
 */
import { appendFileSync, createReadStream, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { signalProgram, watchParent } from "../../sidecar/runtime/parent-pipe.ts";
import type { Json } from "./manifests.ts";

const { values } = parseArgs({
  options: {
    config: { type: "string", default: "" },
    "parent-pipe": { type: "string" },
    "end-at-once": { type: "boolean", default: false },
  },
});

if (values["end-at-once"]) {
  process.stderr.write("the configuration displeases me\n");
  process.exit(2);
}

const readConfig = (): Json => parse(readFileSync(values.config, "utf8"));
const config = readConfig();
/** What happened, for tests that ask in which order. */
const note = (text: string): void =>
  appendFileSync(join(dirname(values.config), "..", "events"), `${text}\n`);

/** Answers by path, from the configuration as it is now. */
function answer(method: string, url: string): [number, Json] {
  const now = readConfig();
  switch (`${method} ${url}`) {
    case "GET /v1/demands": {
      const counts = { ready: 1, leased: 2, delayed: 0, done: 3, dead: 0 };
      const providers = [{ id: "worker-0", rttMs: 0.5, leased: 2, credit: 1 }];
      const demands = (now.demands ?? []).map((it: Json) => ({
        ...it,
        ...it.contract,
        counts,
        providers,
      }));
      return [200, { demands }];
    }
    case "GET /v1/capabilities": {
      const demands = [{ demand: "thumbnails", node: "web-0", state: "joined" }];
      const of = (it: Json) => ({
        ...it.contract,
        name: it.name,
        running: 1,
        slots: it.concurrency,
        demands,
      });
      return [200, { capabilities: (now.capabilities ?? []).map(of) }];
    }
    case "GET /v1/peers":
      return [200, { peers: [] }];
    case "POST /v1/drain":
      note(`drain ${config.nodeId}`);
      return [200, { drained: true }];
    case "GET /v1/items/t-1/explain": {
      const reason = { code: "NO_PROVIDER", message: "no provider connected", facts: {} };
      return [200, { state: "ready", reasons: [reason] }];
    }
    case "POST /v1/demands/thumbnails/items":
      return [202, { ticket: "t-1", state: "ready" }];
    default:
      return [404, { code: "UNKNOWN_ROUTE", detail: `${method} ${url} is not here.` }];
  }
}

async function listen(where: string | { host: string; port: number }): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      const [status, body] = answer(request.method ?? "", request.url ?? "");
      const waited = request.headers.prefer === undefined ? body : { ...body, waited: true };
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(waited));
    });
  });
  await new Promise<void>((resolve) => server.listen(where, resolve));
  return server;
}

const loopback = { host: "127.0.0.1", port: 0 };
const [, ...bound] = await Promise.all([
  listen(config.listeners.appSocket),
  listen(loopback),
  listen(loopback),
  listen(loopback),
]);
const [peer, admin, ops] = bound.map((server) => {
  const { port } = server.address() as AddressInfo;
  return { host: loopback.host, port };
});

process.on("SIGTERM", () => {
  note(`SIGTERM ${config.nodeId}`);
  process.exit(0);
});

watchParent(
  createReadStream("", { fd: Number(values["parent-pipe"]), autoClose: false }),
  (program) => {
    if (program !== null) signalProgram(program, "SIGKILL");
    process.exit(1);
  },
);

writeFileSync(config.listeners.readyFile, JSON.stringify({ peer, admin, ops }));
process.stdout.write(`${JSON.stringify({ level: 30, msg: "ready", node: config.nodeId })}\n`);
