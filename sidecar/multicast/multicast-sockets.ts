/**
 * UDP multicast in Node, as measured:
 * - Node picks an interface of its own when none is named, so each membership and each sending
 *   socket names one; one sending socket cannot serve two interfaces, so each has its own.
 * - TTL, loopback and interface are set inside the bind callback: before it there is no descriptor.
 * - The receiving socket is bound to the group's address, else it would take unicast to the port.
 *   All processes of a machine share group and port by `reuseAddr`. One socket serves every IPv4
 *   interface (several would each get every packet); IPv6 needs one per interface, since a
 *   link-local group has a zone.
 * - `send` without a callback throws from nowhere when a name does not resolve or a route is gone.
 * - A membership can be asked for again: EADDRINUSE says that it is there.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { MulticastError } from "./multicast-error.ts";
import { type MulticastPath, pathKey } from "./multicast-path.ts";
import type { MulticastGroup } from "./multicast-settings.ts";

/** What went wrong with one operation; nothing of it ends the sockets. */
export interface MulticastFailure {
  readonly operation: "bind" | "join" | "send" | "receive";
  /** The system's code, for example `ENODEV`; `UNKNOWN` when there is none. */
  readonly code: string;
  readonly interfaceName: string;
  readonly message: string;
}

/** What the sockets tell. */
export interface MulticastEvents {
  /** @param bytes valid as long as it is held; @param fromAddress unproven. */
  readonly packet: (bytes: Uint8Array, fromAddress: string) => void;
  /** One packet went out on one path. */
  readonly sent: () => void;
  readonly failed: (failure: MulticastFailure) => void;
}

/** Packets that may wait in one socket; more are dropped as `QUEUE_FULL`: a round is near. */
const maxQueuedSends = 512;

interface Sender {
  readonly path: MulticastPath;
  readonly socket: Socket;
}

/** The sockets of one group, or of two (IPv4 and IPv6). */
export class MulticastSockets {
  readonly #groups: readonly MulticastGroup[];
  readonly #port: number;
  readonly #events: MulticastEvents;
  readonly #senders = new Map<string, Sender>();
  /** By group for IPv4, by path for IPv6. */
  readonly #receivers = new Map<string, Socket>();
  #closed = false;

  constructor(groups: readonly MulticastGroup[], port: number, events: MulticastEvents) {
    this.#groups = groups;
    this.#port = port;
    this.#events = events;
  }

  /** Paths that packets go out on now. */
  paths(): readonly MulticastPath[] {
    return [...this.#senders.values()].map((sender) => sender.path);
  }

  /**
   * Takes over the paths that are there now: opens what is new, closes what is gone, joins again
   * everywhere. A path that cannot be opened is told as a failure and tried again at the next call.
   * @returns whether the set of paths changed.
   * @throws {MulticastError} `BIND_FAILED` when group and port themselves cannot be bound.
   */
  async use(paths: readonly MulticastPath[]): Promise<boolean> {
    const before = [...this.#senders.keys()].toSorted().join();
    const wanted = new Map(paths.map((path) => [pathKey(path), path]));
    for (const [key, { socket, path }] of this.#senders) {
      if (wanted.has(key)) continue;
      closeQuietly(socket);
      this.#senders.delete(key);
      this.#dropReceiver(path);
    }
    for (const path of paths) {
      const receiver = await this.#receiverFor(path);
      if (receiver !== undefined) this.#join(receiver, path);
    }
    const missing = [...wanted].filter(([key]) => !this.#senders.has(key));
    await Promise.all(missing.map(([key, path]) => this.#openSender(key, path)));
    return [...this.#senders.keys()].toSorted().join() !== before;
  }

  /** Sends a packet on every path. @returns resolves when the system has taken or refused it. */
  async send(bytes: Uint8Array): Promise<void> {
    await Promise.all(
      [...this.#senders.values()].map(
        (sender) =>
          new Promise<void>((resolve) => {
            this.#sendOn(sender, bytes, resolve);
          }),
      ),
    );
  }

  /** Closes every socket; extra calls are harmless. */
  close(): void {
    this.#closed = true;
    for (const { socket } of this.#senders.values()) closeQuietly(socket);
    for (const socket of this.#receivers.values()) closeQuietly(socket);
    this.#senders.clear();
    this.#receivers.clear();
  }

  #sendOn({ socket, path }: Sender, bytes: Uint8Array, done: () => void): void {
    const group = this.#groupOf(path);
    if (socket.getSendQueueCount() >= maxQueuedSends) {
      this.#fail("send", path, { code: "QUEUE_FULL" });
      done();
      return;
    }
    // The zone names the interface: without it a link-local group is "invalid".
    const to = path.family === 4 ? group : `${group}%${path.interfaceName}`;
    socket.send(bytes, this.#port, to, (error) => {
      if (error === null) this.#events.sent();
      else this.#fail("send", path, error);
      done();
    });
  }

  async #openSender(key: string, path: MulticastPath): Promise<void> {
    const socket = createSocket({ type: path.family === 4 ? "udp4" : "udp6" });
    try {
      socket.bind({ address: path.localAddress, port: 0, exclusive: true }, () => {
        try {
          socket.setMulticastInterface(path.interfaceAddress);
          socket.setMulticastTTL(1);
          socket.setMulticastLoopback(true);
        } catch (error) {
          socket.emit("error", error);
        }
      });
      await listening(socket);
    } catch (error) {
      this.#fail("bind", path, error);
      closeQuietly(socket);
      return;
    }
    socket.on("error", (error) => {
      this.#fail("send", path, error);
      closeQuietly(socket);
      if (this.#senders.get(key)?.socket === socket) this.#senders.delete(key);
    });
    if (this.#closed) closeQuietly(socket);
    else this.#senders.set(key, { path, socket });
  }

  async #receiverFor(path: MulticastPath): Promise<Socket | undefined> {
    const key = this.#receiverKey(path);
    const known = this.#receivers.get(key);
    if (known !== undefined) return known;
    const type = path.family === 4 ? "udp4" : "udp6";
    const socket = createSocket({ type, reuseAddr: true });
    socket.on("message", (bytes: Buffer, from: RemoteInfo) => {
      this.#events.packet(bytes, from.address);
    });
    try {
      const group = this.#groupOf(path);
      const address = path.family === 4 ? group : `${group}%${path.interfaceName}`;
      socket.bind({ address, port: this.#port, exclusive: true });
      await listening(socket);
    } catch (error) {
      closeQuietly(socket);
      // An interface without IPv6 is a matter of that interface; IPv4 fails for all of them.
      if (path.family === 4) throw this.#bindFailed(error);
      this.#fail("bind", path, error);
      return undefined;
    }
    socket.on("error", (error) => {
      this.#fail("receive", path, error);
      closeQuietly(socket);
      if (this.#receivers.get(key) === socket) this.#receivers.delete(key);
    });
    if (this.#closed) {
      closeQuietly(socket);
      return undefined;
    }
    this.#receivers.set(key, socket);
    return socket;
  }

  #join(socket: Socket, path: MulticastPath): void {
    try {
      socket.addMembership(this.#groupOf(path), path.interfaceAddress);
    } catch (error) {
      if (codeOf(error) !== "EADDRINUSE") this.#fail("join", path, error);
    }
  }

  /** IPv4 memberships of an interface that is gone end with it; the socket serves the others. */
  #dropReceiver(path: MulticastPath): void {
    if (path.family === 4) return;
    const key = this.#receiverKey(path);
    const socket = this.#receivers.get(key);
    if (socket !== undefined) closeQuietly(socket);
    this.#receivers.delete(key);
  }

  #receiverKey(path: MulticastPath): string {
    return path.family === 4 ? "4" : pathKey(path);
  }

  #groupOf(path: MulticastPath): string {
    return this.#groups.find((group) => group.family === path.family)?.address ?? "";
  }

  #bindFailed(error: unknown): MulticastError {
    const group = this.#groups.find(({ family }) => family === 4)?.address ?? "";
    const where = `${group} port ${this.#port}`;
    return new MulticastError("BIND_FAILED", `multicast ${where}: ${codeOf(error)}`, {
      cause: error,
    });
  }

  #fail(operation: MulticastFailure["operation"], path: MulticastPath, error: unknown): void {
    if (this.#closed) return;
    const message = error instanceof Error ? error.message : "";
    const { interfaceName } = path;
    this.#events.failed({ operation, code: codeOf(error), interfaceName, message });
  }
}

/** @throws whatever the socket says instead of listening. */
async function listening(socket: Socket): Promise<void> {
  await once(socket, "listening");
}

function closeQuietly(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // Closed already, by its own error.
  }
}

function codeOf(error: unknown): string {
  const isCoded = typeof error === "object" && error !== null && "code" in error;
  return isCoded && typeof error.code === "string" ? error.code : "UNKNOWN";
}
