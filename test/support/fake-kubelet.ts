/**
 * The part of a kubelet that port forwards reach: a web socket per connection, v4.channel.k8s.io,
 * to ports of this machine in the place of pods' network namespaces. Understands the path of a
 * kubelet (behind a real API server) and that of an API server (in its place).
 * Source: k8s.io/kubelet, `portforward/websocket.go`.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

/** Answer of an API server that opens no web socket. */
export interface RefusedForward {
  readonly status: number;
  readonly body: string;
}

/** How it listens. */
export interface FakeKubeletOptions {
  /** PEMs; plain HTTP when absent. */
  readonly tls?: { readonly certPem: string; readonly keyPem: string };
  /** @default a free one */
  readonly port?: number;
}

const paths = [
  /^\/portForward\/([^/]+)\/([^/?]+)\?port=(\d+)/,
  /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/portforward\?ports=(\d+)/,
];

/** See the head of the file. */
export class FakeKubelet {
  /** `NAMESPACE/POD` → the port of 127.0.0.1 where its operations listener is. */
  readonly opsPorts = new Map<string, number>();
  /** `NAMESPACE/POD` → what is answered in the place of a web socket. */
  readonly refused = new Map<string, RefusedForward>();
  /** `NAMESPACE/POD:PORT` of every forward that was asked for. */
  readonly asked: string[] = [];
  /** Headers of the last one. */
  headers: IncomingMessage["headers"] = {};
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has("v4.channel.k8s.io") ? "v4.channel.k8s.io" : false),
  });

  private constructor(server: Server) {
    this.#server = server;
    server.on("upgrade", (request, socket, head) => {
      this.#upgrade(request, socket, head);
    });
  }

  /** Starts one; whoever does closes it. */
  static async start(options: FakeKubeletOptions = {}): Promise<FakeKubelet> {
    const { tls, port = 0 } = options;
    const server =
      tls === undefined ? createServer() : createTlsServer({ cert: tls.certPem, key: tls.keyPem });
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return new FakeKubelet(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends it and every forward. */
  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const [, namespace = "", pod = "", port = ""] =
      paths.map((it) => it.exec(request.url ?? "")).find((it) => it !== null) ?? [];
    const name = `${namespace}/${pod}`;
    this.asked.push(`${name}:${port}`);
    this.headers = request.headers;
    const refusal = this.refused.get(name);
    if (refusal !== undefined) {
      const { status, body } = refusal;
      const length = Buffer.byteLength(body);
      const lines = [`HTTP/1.1 ${status} Refused`, `Content-Length: ${length}`, "", body];
      socket.end(lines.join("\r\n"));
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (opened) => {
      forward(opened, { pod: name, port: Number(port), to: this.opsPorts.get(name) });
    });
  }
}

function frame(channel: number, data: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(channel), data]);
}

function forward(
  socket: WebSocket,
  {
    pod,
    port,
    to,
  }: { readonly pod: string; readonly port: number; readonly to?: number | undefined },
): void {
  const portBytes = Uint8Array.of(port & 0xff, port >> 8);
  socket.send(frame(0, portBytes));
  socket.send(frame(1, portBytes));
  // Port 1 of this machine stands for a pod in which nothing listens.
  const target = connect({ host: "127.0.0.1", port: to ?? 1 });
  target.on("error", (error) => {
    const why = `dial tcp4 127.0.0.1:${port}: connect: ${errorText(error)}`;
    const said = `an error occurred forwarding ${port} -> ${port}: error forwarding port ${port} to pod ${pod}: ${why}`;
    if (socket.readyState === socket.OPEN) socket.send(frame(1, Buffer.from(said)));
  });
  target.on("data", (data) => {
    socket.send(frame(0, data));
  });
  target.on("close", (hadError) => {
    if (!hadError) socket.close();
  });
  socket.on("message", (message: Buffer) => {
    if (message[0] === 0) target.write(message.subarray(1));
  });
  socket.on("close", () => {
    target.destroy();
  });
}

function errorText(error: Error): string {
  return "code" in error && error.code === "ECONNREFUSED" ? "connection refused" : error.message;
}
