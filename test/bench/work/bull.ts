import { Queue, QueueEvents, Worker } from "bullmq";
import { missingProgram, startServer } from "./server.ts";
import { concurrency, type Setup, type WorkSystem } from "./system.ts";

const program = "redis-server";
const queueName = "work";

/**
 * BullMQ over Redis with its default settings, but as many jobs at once as the other systems have.
 * Its best case: no TLS, no schema, Redis writes nothing to disk.
 */
export const bullSystem: WorkSystem = {
  missing: () => missingProgram(program),
  prepare: (spawn) =>
    startServer(spawn, program, (port, folder) => [
      "--bind",
      "127.0.0.1",
      "--port",
      String(port),
      "--dir",
      folder,
      "--save",
      "",
      "--daemonize",
      "no",
    ]),
  async produce(setup) {
    const queue = new Queue(queueName, optionsOf(setup));
    const events = new QueueEvents(queueName, optionsOf(setup));
    await events.waitUntilReady();
    let onResult: (sizeBytes: number) => void = () => undefined;
    events.on("completed", ({ returnvalue }) => {
      onResult(String(returnvalue).length);
    });
    return {
      address: {},
      add: (request) => {
        queue.add("item", Buffer.from(request).toString("latin1")).catch((error: unknown) => {
          // An unhandled rejection ends the process: a refused job must not be taken for a slow
          // one.
          throw error;
        });
      },
      onResult: (listener) => {
        onResult = listener;
      },
      ready: () => Promise.resolve(),
    };
  },
  async provide(setup, _address, result) {
    const text = Buffer.from(result).toString("latin1");
    const worker = new Worker(queueName, () => Promise.resolve(text), {
      ...optionsOf(setup),
      concurrency,
    });
    await worker.waitUntilReady();
  },
};

function optionsOf({ port = 0 }: Setup): { connection: { host: string; port: number } } {
  return { connection: { host: "127.0.0.1", port } };
}
