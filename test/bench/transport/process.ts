/**
 * One end of one system, in a process of its own: `process.ts SYSTEM serve` or `… connect ADDRESS`.
 * The parent asks for a run by a message and gets its rate back.
 */
import { systems } from "./systems.ts";
import type { Address, EchoClient } from "./system.ts";

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

const [, , name = "", role = "", address = ""] = process.argv;
const system = systems[name]?.();
if (system === undefined) throw new Error(`no system ${name}`);
process.on("disconnect", () => process.exit(0));
if (role === "serve") {
  process.send?.(await system.serve());
} else {
  const client = await system.connect(JSON.parse(address) as Address);
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
