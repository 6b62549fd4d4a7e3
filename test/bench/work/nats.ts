import {
  AckPolicy,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { missingProgram, startServer } from "./server.ts";
import { concurrency, type Setup, type WorkSystem } from "./system.ts";

const program = "nats-server";
const stream = "work";

/**
 * JetStream with memory storage: a work-queue stream, each add confirmed by the server, a pull
 * consumer with explicit acknowledgements, the result published to the producer before the item is
 * acknowledged. Its best case: no TLS, no schema, the result itself is stored nowhere.
 */
export const natsSystem: WorkSystem = {
  missing: () => missingProgram(program),
  prepare: (spawn) =>
    startServer(spawn, program, (port, folder) => [
      "-a",
      "127.0.0.1",
      "-p",
      String(port),
      "-js",
      "-sd",
      folder,
    ]),
  async produce(setup) {
    const connection = await open(setup);
    await (await jetstreamManager(connection)).streams.add({
      name: stream,
      subjects: ["work.*"],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.Memory,
    });
    const { publish } = publisher(connection);
    let onResult: (sizeBytes: number) => void = () => undefined;
    connection.subscribe("result.*", {
      callback: (error, message) => {
        if (error !== null) throw error;
        onResult(message.data.length);
      },
    });
    return {
      address: {},
      add: publish,
      onResult: (listener) => {
        onResult = listener;
      },
      ready: () => Promise.resolve(),
    };
  },
  async provide(setup, _address, result) {
    const connection = await open(setup);
    const manager = await jetstreamManager(connection);
    const ack = { ack_policy: AckPolicy.Explicit, max_ack_pending: 4 * concurrency };
    await manager.consumers.add(stream, { durable_name: "provider", ...ack });
    const consumer = await jetstream(connection).consumers.get(stream, "provider");
    await consumer.consume({
      max_messages: concurrency,
      callback: (item) => {
        connection.publish(`result.${item.subject.slice("work.".length)}`, result);
        item.ack();
      },
    });
  },
};

/** Publishes items under numbers that their results come back under. */
function publisher(connection: NatsConnection): { publish: (request: Uint8Array) => void } {
  const js = jetstream(connection);
  let last = 0;
  return {
    publish: (request) => {
      last += 1;
      js.publish(`work.${String(last)}`, request).catch((error: unknown) => {
        // An unhandled rejection ends the process: a refused item must not be taken for a slow one.
        throw error;
      });
    },
  };
}

function open(setup: Setup): Promise<NatsConnection> {
  return connect({ servers: `127.0.0.1:${String(setup.port)}` });
}
