import {
  type ClientDuplexStream,
  credentials,
  makeGenericClientConstructor,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
} from "@grpc/grpc-js";
import type { EchoSystem } from "./system.ts";

const same = (bytes: Buffer) => bytes;
const echo: MethodDefinition<Buffer, Buffer> = {
  path: "/bench.Echo/Echo",
  requestStream: true,
  responseStream: true,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};

/** gRPC's bidirectional stream, without TLS and without protobuf: its best case. */
export function grpcSystem(): EchoSystem {
  return {
    async serve() {
      const server = new Server();
      server.addService(
        { echo },
        {
          echo: (call: ServerDuplexStream<Buffer, Buffer>) => {
            call.on("data", (message: Buffer) => call.write(message));
            call.on("error", () => undefined);
            call.on("end", () => {
              call.end();
            });
          },
        },
      );
      const insecure = ServerCredentials.createInsecure();
      return new Promise((resolve, reject) => {
        server.bindAsync("127.0.0.1:0", insecure, (error, port) => {
          if (error === null) resolve(port);
          else reject(error);
        });
      });
    },
    async connect(port) {
      const Client = makeGenericClientConstructor({ echo }, "bench.Echo");
      const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
      const call: ClientDuplexStream<Buffer, Buffer> = client["echo"]?.();
      call.on("error", () => undefined);
      return {
        send: (message) => {
          call.write(message);
        },
        onEcho: (listener) => {
          call.on("data", (message: Buffer) => {
            listener(message.length);
          });
        },
        close: () => {
          client.close();
        },
      };
    },
  };
}
