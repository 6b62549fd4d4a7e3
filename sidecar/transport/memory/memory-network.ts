/**
 * An in-process network for simulations and tests: nodes that reach each other by made-up
 * addresses, over links that can be slow, cut, or half open. It has no time and no chance of its
 * own: the same calls on the same timers give the same run.
 */
import type { Timers } from "../../runtime/index.ts";
import type { CarrierFactory, CarrierListener, Carrier, CertificateIdentity } from "../carrier.ts";
import type { DialTarget } from "../ports.ts";
import { TransportError } from "../transport-error.ts";
import { MemoryLink } from "./memory-link.ts";

/** How a network behaves. */
export interface MemoryNetworkOptions {
  readonly timers: Timers;
  /** @returns how long bytes travel from one node to another, ms. @default 0 */
  readonly delayMs?: (from: string, to: string) => number;
  /** Bytes are delivered in pieces of at most this size. @default 64 KiB */
  readonly chunkBytes?: number;
  /** Bytes that every written view must leave free before it. @default 0 */
  readonly headerRoomBytes?: number;
}

/** A node as the network sees it: what its certificate would say. */
export type MemoryNode = Omit<CertificateIdentity, "fingerprint">;

interface Listening {
  readonly node: MemoryNode;
  readonly accept: (carrier: Carrier) => void;
}

/** See the head of the file. */
export class MemoryNetwork {
  readonly #options: Required<MemoryNetworkOptions>;
  readonly #listening = new Map<string, Listening>();
  readonly #links = new Set<MemoryLink>();
  readonly #unreachable = new Set<string>();
  #nextPort = 40_000;

  constructor(options: MemoryNetworkOptions) {
    this.#options = {
      delayMs: () => 0,
      chunkBytes: 64 * 1024,
      headerRoomBytes: 0,
      ...options,
    };
  }

  /** @returns what the transport of `node` is built from. */
  factoryOf(node: MemoryNode): CarrierFactory {
    return {
      listen: (address, accept) => this.#listen(node, address, accept),
      dial: (target, signal) => this.#dial(node, target, signal),
    };
  }

  /** Ends every connection between two nodes, as a killed process or a reset does. */
  cut(nodeId: string, otherId: string): void {
    for (const link of this.#between(nodeId, otherId)) link.cut("the link was cut");
  }

  /**
   * Nothing passes between two nodes any more, in existing and in new connections, and nobody is
   * told: a pulled cable, or a node that stands still. With `oneWay` only what the first one sends
   * is held back.
   */
  halfOpen(nodeId: string, otherId: string, options: { readonly oneWay?: boolean } = {}): void {
    this.#unreachable.add(pathOf(nodeId, otherId));
    if (options.oneWay !== true) this.#unreachable.add(pathOf(otherId, nodeId));
  }

  /** Bytes pass again in both directions, those that were held back first. */
  heal(nodeId: string, otherId: string): void {
    this.#unreachable.delete(pathOf(nodeId, otherId));
    this.#unreachable.delete(pathOf(otherId, nodeId));
    for (const link of this.#between(nodeId, otherId)) link.healed();
  }

  /** Connections that are open. */
  get linkCount(): number {
    return this.#links.size;
  }

  async #listen(
    node: MemoryNode,
    address: { readonly host: string; readonly port: number },
    accept: (carrier: Carrier) => void,
  ): Promise<CarrierListener> {
    const port = address.port === 0 ? this.#nextPort++ : address.port;
    const key = `${address.host}:${port}`;
    if (this.#listening.has(key)) {
      throw new TransportError("LISTEN_FAILED", `${key}: the address is in use`);
    }
    this.#listening.set(key, { node, accept });
    return {
      address: { host: address.host, port },
      close: async () => {
        this.#listening.delete(key);
      },
    };
  }

  #dial(node: MemoryNode, target: DialTarget, signal: AbortSignal): Promise<Carrier> {
    const { promise, resolve, reject } = Promise.withResolvers<Carrier>();
    const where = `node ${target.nodeId} at ${target.host}:${target.port}`;
    signal.addEventListener("abort", () => {
      reject(new TransportError("DIAL_FAILED", `${where}: given up`));
    });
    const listening = this.#listening.get(`${target.host}:${target.port}`);
    const to = listening?.node.nodeId ?? target.nodeId;
    const roundTripMs = this.#delayMs(node.nodeId, to) + this.#delayMs(to, node.nodeId);
    // Nobody answers on a path that is cut off: only the caller's own time ends the dial.
    if (!this.#passes(node.nodeId, to) || !this.#passes(to, node.nodeId)) return promise;
    this.#options.timers.after(roundTripMs, () => {
      if (signal.aborted) return;
      const now = this.#listening.get(`${target.host}:${target.port}`);
      if (now === undefined) {
        reject(new TransportError("DIAL_FAILED", `${where}: nobody listens there`));
      } else if (now.node.nodeId !== target.nodeId) {
        const reason = `the certificate names node ${now.node.nodeId}`;
        reject(new TransportError("IDENTITY_MISMATCH", `${where}: ${reason}`));
      } else {
        resolve(this.#connect(node, now, target));
      }
    });
    return promise;
  }

  #connect(dialler: MemoryNode, listening: Listening, target: DialTarget): Carrier {
    const acceptor = listening.node;
    const link = new MemoryLink({
      timers: this.#options.timers,
      chunkBytes: this.#options.chunkBytes,
      headerRoomBytes: this.#options.headerRoomBytes,
      dialler: { ...certificateOf(dialler), address: `${dialler.nodeId}:0` },
      acceptor: { ...certificateOf(acceptor), address: `${target.host}:${target.port}` },
      delayMs: (from, to) => this.#delayMs(from, to),
      passes: (from, to) => this.#passes(from, to),
      onGone: (gone) => {
        this.#links.delete(gone);
      },
    });
    this.#links.add(link);
    listening.accept(link.acceptor);
    return link.dialler;
  }

  #delayMs(from: string, to: string): number {
    return this.#options.delayMs(from, to);
  }

  #passes(from: string, to: string): boolean {
    return !this.#unreachable.has(pathOf(from, to));
  }

  #between(nodeId: string, otherId: string): MemoryLink[] {
    return [...this.#links].filter((link) => link.joins(nodeId, otherId));
  }
}

function pathOf(from: string, to: string): string {
  return `${from} → ${to}`;
}

/** Nobody signs anything here; the fingerprint only has the shape of one. */
function certificateOf(node: MemoryNode): CertificateIdentity {
  const name = `${node.clusterId}/${node.namespace}/${node.nodeId}`;
  const hex = Array.from(new TextEncoder().encode(name), (byte) => byte.toString(16)).join("");
  return { ...node, fingerprint: hex.slice(0, 64).padEnd(64, "0") };
}
