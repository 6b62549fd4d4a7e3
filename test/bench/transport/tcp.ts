import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { FrameReader, FrameWriter } from "./length-frames.ts";
import type { EchoSystem } from "./system.ts";

/**
 * Plain TCP with length-prefixed messages, no TLS.
 * @param batched one write per event-loop turn.
 */
export function tcpSystem(batched: boolean): EchoSystem {
  const writerTo = (socket: Socket) =>
    new FrameWriter((bytes) => {
      socket.write(bytes);
    }, batched);
  return {
    async serve() {
      const server = createServer({ noDelay: true }, (socket) => {
        const writer = writerTo(socket);
        const reader = new FrameReader((message) => {
          writer.send(message);
        });
        socket.on("data", (chunk: Buffer) => {
          reader.push(chunk);
        });
        socket.on("error", () => undefined);
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      return typeof address === "object" && address !== null ? address.port : 0;
    },
    async connect(port) {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      await once(socket, "connect");
      const writer = writerTo(socket);
      return {
        send: (message) => {
          writer.send(message);
        },
        onEcho: (listener) => {
          const reader = new FrameReader((message) => {
            listener(message.length);
          });
          socket.on("data", (chunk: Buffer) => {
            reader.push(chunk);
          });
        },
        close: () => {
          socket.destroy();
        },
      };
    },
  };
}
