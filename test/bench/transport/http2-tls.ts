import { once } from "node:events";
import { connect, createSecureServer } from "node:http2";
import type { BenchPems } from "./bench-credentials.ts";
import { FrameReader, FrameWriter } from "./length-frames.ts";
import type { EchoSystem } from "./system.ts";

const windowBytes = 1 << 20;

/** One stream of Node's HTTP/2 with mutual TLS, nothing above: the floor that a lane stands on. */
export function http2System(pems: BenchPems): EchoSystem {
  return {
    async serve() {
      const server = createSecureServer({
        cert: pems.server.certificate,
        key: pems.server.privateKey,
        ca: [pems.authority],
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: "TLSv1.3",
        settings: { initialWindowSize: windowBytes },
      });
      server.on("secureConnection", (socket) => {
        socket.setNoDelay(true);
      });
      server.on("session", (session) => {
        session.setLocalWindowSize(windowBytes);
      });
      server.on("stream", (stream) => {
        stream.respond({ ":status": 200 });
        const writer = new FrameWriter((bytes) => {
          stream.write(bytes);
        }, true);
        const reader = new FrameReader((message) => {
          writer.send(message);
        });
        stream.on("error", () => undefined);
        stream.on("data", (chunk: Buffer) => {
          reader.push(chunk);
        });
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      return typeof address === "object" && address !== null ? address.port : 0;
    },
    async connect(port) {
      const session = connect(`https://127.0.0.1:${port}`, {
        cert: pems.client.certificate,
        key: pems.client.privateKey,
        ca: [pems.authority],
        checkServerIdentity: () => undefined,
        settings: { initialWindowSize: windowBytes },
      });
      await once(session, "connect");
      session.setLocalWindowSize(windowBytes);
      const stream = session.request({ ":method": "POST", ":path": "/" }, { endStream: false });
      await once(stream, "response");
      const writer = new FrameWriter((bytes) => {
        stream.write(bytes);
      }, true);
      return {
        send: (message) => {
          writer.send(message);
        },
        onEcho: (listener) => {
          const reader = new FrameReader((message) => {
            listener(message.length);
          });
          stream.on("data", (chunk: Buffer) => {
            reader.push(chunk);
          });
        },
        close: () => {
          session.destroy();
        },
      };
    },
  };
}
