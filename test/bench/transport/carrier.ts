import type { ByteLane } from "../../../sidecar/transport/index.ts";
import { type BenchPems, factoryOf } from "./bench-credentials.ts";
import { FrameReader, FrameWriter } from "./length-frames.ts";
import type { EchoSystem } from "./system.ts";

/** Our carrier with mutual TLS, alone: framed as the TCP beside it. */
export function carrierSystem(pems: BenchPems): EchoSystem {
  return {
    async serve() {
      const factory = await factoryOf(pems, "server");
      const listener = await factory.listen({ host: "127.0.0.1", port: 0 }, (carrier) => {
        carrier.onLane((lane) => {
          const writer = writerTo(lane);
          const reader = new FrameReader((message) => {
            writer.send(message);
          });
          lane.onBytes((chunk) => {
            reader.push(chunk);
          });
        });
      });
      return listener.address.port;
    },
    async connect(port) {
      const factory = await factoryOf(pems, "client");
      const target = { nodeId: "server", host: "127.0.0.1", port };
      const carrier = await factory.dial(target, AbortSignal.timeout(5_000));
      const lane = carrier.openLane();
      const writer = writerTo(lane);
      return {
        send: (message) => {
          writer.send(message);
        },
        onEcho: (listener) => {
          const reader = new FrameReader((message) => {
            listener(message.length);
          });
          lane.onBytes((chunk) => {
            reader.push(chunk);
          });
        },
        close: () => {
          carrier.close("the run is over");
        },
      };
    },
  };
}

function writerTo(lane: ByteLane): FrameWriter {
  const write = (bytes: Buffer) => {
    lane.write(bytes);
  };
  return new FrameWriter(write, true, lane.headerRoomBytes);
}
