/** An address in front of several, as a Service is: a new connection goes to one that listens. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** See the head of the file. */
export class ServiceAddress {
  readonly #server: Server;
  #targets: readonly string[];
  readonly #sockets = new Set<Socket>();
  #next = 0;

  private constructor(targets: readonly string[]) {
    this.#targets = targets;
    this.#server = createServer({ noDelay: true }, (near) =>
      this.#forward(near, this.#targets.length),
    );
  }

  /** @param targets `HOST:PORT` each. */
  static async open(targets: readonly string[]): Promise<ServiceAddress> {
    const service = new ServiceAddress(targets);
    service.#server.listen(0, "127.0.0.1");
    await once(service.#server, "listening");
    return service;
  }

  /** Where to dial, `HOST:PORT`. */
  get address(): string {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("it is closed");
    return `127.0.0.1:${address.port}`;
  }

  /** Sends new connections to others from here on; open ones stay. */
  forwardTo(targets: readonly string[]): void {
    this.#targets = targets;
  }

  /** Ends every connection and listens no more. */
  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, "close");
  }

  /** Tries one target after the other, each at most once. */
  #forward(near: Socket, triesLeft: number): void {
    const target = this.#targets[this.#next++ % this.#targets.length];
    if (target === undefined || triesLeft === 0) {
      near.destroy();
      return;
    }
    const [host = "", port] = target.split(":");
    const far = connect({ host, port: Number(port), noDelay: true });
    const failed = (): void => this.#forward(near, triesLeft - 1);
    far.once("error", failed);
    far.once("connect", () => {
      far.off("error", failed);
      this.#join(near, far);
      this.#join(far, near);
    });
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
