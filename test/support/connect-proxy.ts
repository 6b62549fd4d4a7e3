/** An HTTP proxy on loopback that knows CONNECT alone. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";

/** How it listens and whom it lets through. */
export interface ConnectProxyOptions {
  /** PEMs; plain HTTP when absent. */
  readonly tls?: { readonly certPem: string; readonly keyPem: string };
  /** `USER:PASSWORD` that it wants. @default everybody */
  readonly wanted?: string;
  /** Names that it finds at 127.0.0.1. @default none */
  readonly names?: readonly string[];
}

/** See the head of the file. */
export class ConnectProxy {
  /** `HOST:PORT` of every connection that it made. */
  readonly made: string[] = [];
  readonly #server: Server;
  readonly #options: ConnectProxyOptions;
  readonly #sockets = new Set<Duplex>();

  private constructor(server: Server, options: ConnectProxyOptions) {
    this.#server = server;
    this.#options = options;
    server.on("connect", (request, socket) => {
      this.#connect(request, socket);
    });
  }

  /** Starts one; whoever does closes it. */
  static async start(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
    const { tls } = options;
    const server =
      tls === undefined ? createServer() : createTlsServer({ cert: tls.certPem, key: tls.keyPem });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new ConnectProxy(server, options);
  }

  /** Where it listens. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts every connection and stops. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #connect({ url = "", headers }: IncomingMessage, near: Duplex): void {
    this.#keep(near);
    const { wanted, names = [] } = this.#options;
    const given = headers["proxy-authorization"] ?? "";
    if (wanted !== undefined && given !== `Basic ${Buffer.from(wanted).toString("base64")}`) {
      near.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const { hostname, port } = new URL(`http://${url}`);
    const host = names.includes(hostname) ? "127.0.0.1" : hostname.replace(/^\[|\]$/g, "");
    const far = connect({ host, port: Number(port) });
    this.#keep(far);
    far.once("connect", () => {
      this.made.push(url);
      near.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      near.pipe(far).pipe(near);
    });
    far.once("error", () => near.end("HTTP/1.1 502 Bad Gateway\r\n\r\n"));
  }

  #keep(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", () => undefined);
  }
}
