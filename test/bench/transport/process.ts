/**
 * One end of one system, in a process of its own: `process.ts SYSTEM PEMS_JSON [PORT]`, which
 * serves without a port and connects with one.
 * The parent asks for a run by a message and gets its rate back.
 */
import type { BenchPems } from "./bench-credentials.ts";
import type { EchoClient } from "./system.ts";
import { systems } from "./systems.ts";

/** What the parent asks of the connecting process. */
export interface RunRequest {
  readonly sizeBytes: number;
  readonly inFlight: number;
  readonly durationMs: number;
}

/** What it gets. */
export interface RunAnswer {
  /** Messages that came back, per second. */
  readonly perSecond: number;
}

const [, , name = "", pems = "", port] = process.argv;
const system = systems[name]?.(JSON.parse(pems) as BenchPems);
if (system === undefined) throw new Error(`no system ${name}`);
process.on("disconnect", () => process.exit(0));
if (port === undefined) {
  process.send?.(await system.serve());
} else {
  const client = await system.connect(Number(port));
  const run = runner(client);
  process.on("message", (request: RunRequest) => {
    void run(request).then((answer) => process.send?.(answer));
  });
  process.send?.({});
}

/** Keeps `inFlight` messages on their way for a while and counts what comes back. */
function runner(client: EchoClient): (request: RunRequest) => Promise<RunAnswer> {
  let onEcho: (length: number) => void = () => undefined;
  client.onEcho((length) => {
    onEcho(length);
  });
  return ({ sizeBytes, inFlight, durationMs }) =>
    new Promise((resolve) => {
      const message = Buffer.alloc(sizeBytes, 1);
      const begin = performance.now();
      let [count, sinceLook, waiting] = [0, 0, inFlight];
      let over = false;
      onEcho = (length) => {
        if (length !== sizeBytes) throw new Error(`sent ${sizeBytes} bytes, got ${length} back`);
        count += 1;
        sinceLook += 1;
        // The clock is asked once per window: often enough, and not measured itself.
        if (!over && sinceLook >= inFlight) {
          sinceLook = 0;
          over = performance.now() - begin >= durationMs;
        }
        if (!over) {
          client.send(message);
          return;
        }
        waiting -= 1;
        if (waiting > 0) return;
        resolve({ perSecond: (count * 1000) / (performance.now() - begin) });
      };
      for (let index = 0; index < inFlight; index += 1) client.send(message);
    });
}
