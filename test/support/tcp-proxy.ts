/** A TCP proxy on loopback whose connections a test can cut or freeze. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** One proxy before one address. */
export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #frozen = false;

  private constructor(target: { readonly host: string; readonly port: number }) {
    // Half-open is kept: an end passes through as an end.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      const far = connect({ ...target, allowHalfOpen: true, noDelay: true });
      this.#join(near, far);
      this.#join(far, near);
    });
  }

  /** Starts a proxy before `target`. */
  static async open(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  /** Where to dial. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Connections that are open on either side. */
  get connections(): number {
    return this.#sockets.size;
  }

  /**
   * Ends every connection at once with a reset, as a killed process's system does that had bytes to
   * read.
   */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Ends every connection at once in order, as a killed process's system does on loopback. */
  end(): void {
    for (const socket of this.#sockets) socket.end();
  }

  /** Holds back everything, in existing and new connections. */
  freeze(): void {
    this.#frozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Lets everything pass again. */
  thaw(): void {
    this.#frozen = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on("data", (chunk: Buffer) => {
      if (!to.destroyed) to.write(chunk);
    });
    from.on("end", () => to.end());
    from.on("error", () => undefined);
    from.on("close", () => {
      this.#sockets.delete(from);
      // What a frozen path holds back stays there: the other end must not hear of this one's.
      if (!this.#frozen) to.destroy();
    });
    if (this.#frozen) from.pause();
  }
}
