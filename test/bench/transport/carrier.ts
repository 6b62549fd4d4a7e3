import type { ByteLane } from "../../../sidecar/transport/index.ts";
import { clientPems, factoryOf, makeCredentials } from "./bench-credentials.ts";
import { FrameReader, FrameWriter } from "./length-frames.ts";
import type { EchoSystem } from "./system.ts";

/** Our carrier with mutual TLS, alone: framed as the TCP beside it. */
export function carrierSystem(): EchoSystem {
  return {
    async serve() {
      const { server, clientJson } = await makeCredentials();
      const factory = await factoryOf(server);
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
      return { port: listener.address.port, detail: clientJson };
    },
    async connect({ port, detail = "" }) {
      const factory = await factoryOf(clientPems(detail));
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
