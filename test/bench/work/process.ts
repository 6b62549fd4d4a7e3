/**
 * One side of one system, in a process of its own: `process.ts SYSTEM produce SETUP` or
 * `… provide SETUP ADDRESS`. The parent asks the producer for a run by a message and gets its
 * figures back.
 */
import { payloadBytes, type Producer, type Setup } from "./system.ts";
import { systems } from "./systems.ts";

/** What the parent asks of the producer's process. */
export interface RunRequest {
  readonly inFlight: number;
  readonly durationMs: number;
}

/** What it gets. */
export interface RunAnswer {
  /** Items whose results came, per second. */
  readonly perSecond: number;
  /** From add to result, of the items of a run with one in flight. */
  readonly trip?: { readonly medianMs: number; readonly p99Ms: number };
}

/**
 * A payload of `sizeBytes`, at most 129, that is also a message with one field `bytes body = 1`.
 */
function payload(sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes).fill(0x61);
  bytes.set([0x0a, sizeBytes - 2]);
  return bytes;
}

const [, , name = "", role = "", setup = "", address = ""] = process.argv;
const system = systems[name];
if (system === undefined) throw new Error(`no system ${name}`);
process.on("disconnect", () => process.exit(0));
if (role === "provide") {
  const [shared, where] = [JSON.parse(setup) as Setup, JSON.parse(address) as Setup];
  await system.provide(shared, where, payload(payloadBytes));
  process.send?.({});
} else {
  const producer = await system.produce(JSON.parse(setup) as Setup);
  const run = runner(producer);
  process.on("message", (request: RunRequest | "ready") => {
    if (request === "ready") void producer.ready().then(() => process.send?.({}));
    else void run(request).then((answer) => process.send?.(answer));
  });
  process.send?.(producer.address);
}

/** Keeps `inFlight` items on their way for a while and counts the results. */
function runner(producer: Producer): (request: RunRequest) => Promise<RunAnswer> {
  let onResult: (sizeBytes: number) => void = () => undefined;
  producer.onResult((sizeBytes) => {
    onResult(sizeBytes);
  });
  const request = payload(payloadBytes);
  return ({ inFlight, durationMs }) =>
    new Promise((resolve) => {
      const beginMs = performance.now();
      let [count, waiting, over, addedMs] = [0, inFlight, false, beginMs];
      const tripsMs: number[] = [];
      onResult = (sizeBytes) => {
        if (sizeBytes !== payloadBytes) throw new Error(`a result of ${String(sizeBytes)} bytes`);
        count += 1;
        if (inFlight === 1) tripsMs.push(performance.now() - addedMs);
        if (inFlight === 1 || count % inFlight === 0) {
          addedMs = performance.now();
          over ||= addedMs - beginMs >= durationMs;
        }
        if (!over) {
          producer.add(request);
          return;
        }
        waiting -= 1;
        if (waiting > 0) return;
        const perSecond = (count * 1000) / (performance.now() - beginMs);
        tripsMs.sort((left, right) => left - right);
        const at = (share: number): number =>
          tripsMs[Math.floor(tripsMs.length * share)] ?? Number.NaN;
        const trip = { medianMs: at(0.5), p99Ms: at(0.99) };
        resolve({ perSecond, ...(inFlight === 1 && { trip }) });
      };
      for (let index = 0; index < inFlight; index += 1) producer.add(request);
    });
}
