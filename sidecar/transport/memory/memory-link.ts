import type { Timers } from "../../runtime/index.ts";
import type { ByteLane, Carrier, CarrierClose, CertificateIdentity } from "../carrier.ts";
import { TransportError } from "../transport-error.ts";

/** One end of a link. */
export interface MemoryEnd extends CertificateIdentity {
  readonly address: string;
}

/** What a link is made from. */
export interface MemoryLinkOptions {
  readonly timers: Timers;
  /** Greatest piece that is delivered at once. */
  readonly chunkBytes: number;
  /** Bytes that every written view leaves free before it. */
  readonly headerRoomBytes: number;
  readonly dialler: MemoryEnd;
  readonly acceptor: MemoryEnd;
  readonly delayMs: (from: string, to: string) => number;
  readonly passes: (from: string, to: string) => boolean;
  readonly onGone: (link: MemoryLink) => void;
}

/** What is under way from one side to the other. */
interface Direction {
  /** Oldest first. */
  readonly waiting: (() => void)[];
  /** How many of them have travelled long enough. */
  due: number;
}

/** A connection of two nodes: two carriers back to back. */
export class MemoryLink {
  readonly dialler: MemoryCarrier;
  readonly acceptor: MemoryCarrier;
  readonly #options: MemoryLinkOptions;
  readonly #fromDialler: Direction = { waiting: [], due: 0 };
  readonly #fromAcceptor: Direction = { waiting: [], due: 0 };

  constructor(options: MemoryLinkOptions) {
    this.#options = options;
    const { dialler, acceptor } = options;
    this.dialler = new MemoryCarrier(this, { own: dialler, peer: acceptor, dialled: true });
    this.acceptor = new MemoryCarrier(this, { own: acceptor, peer: dialler, dialled: false });
  }

  /** Bytes left free before each written view. */
  get headerRoomBytes(): number {
    return this.#options.headerRoomBytes;
  }

  /** Greatest piece that is delivered at once. */
  get chunkBytes(): number {
    return this.#options.chunkBytes;
  }

  /** True when the link is between these two, in either direction. */
  joins(nodeId: string, otherId: string): boolean {
    const ends = [this.#options.dialler.nodeId, this.#options.acceptor.nodeId];
    return ends.includes(nodeId) && ends.includes(otherId);
  }

  /** Ends both sides at once. */
  cut(reason: string): void {
    this.#fromDialler.waiting.length = 0;
    this.#fromAcceptor.waiting.length = 0;
    this.dialler.end(reason);
    this.acceptor.end(reason);
  }

  /**
   * Does something at the other side after the travelling time. In order, whatever the delays; what
   * comes while the way is cut off waits for `heal`, as TCP's retransmissions do.
   */
  travel(from: MemoryCarrier, arrive: (other: MemoryCarrier) => void): void {
    const direction = from === this.dialler ? this.#fromDialler : this.#fromAcceptor;
    const other = from === this.dialler ? this.acceptor : this.dialler;
    direction.waiting.push(() => {
      arrive(other);
    });
    this.#options.timers.after(this.#options.delayMs(from.nodeId, other.nodeId), () => {
      direction.due += 1;
      this.#deliver(from, other, direction);
    });
  }

  /** Delivers what waited for the way to be open again. */
  healed(): void {
    this.#deliver(this.dialler, this.acceptor, this.#fromDialler);
    this.#deliver(this.acceptor, this.dialler, this.#fromAcceptor);
  }

  #deliver(from: MemoryCarrier, to: MemoryCarrier, direction: Direction): void {
    while (direction.due > 0 && this.#options.passes(from.nodeId, to.nodeId)) {
      direction.due -= 1;
      direction.waiting.shift()?.();
    }
  }

  /** One side ended: the other hears of it, if the way is open. */
  ended(side: MemoryCarrier, reason: string): void {
    this.travel(side, (other) => {
      other.end(reason);
    });
    if (this.dialler.closed && this.acceptor.closed) this.#options.onGone(this);
  }
}

/** One side of a link. */
export class MemoryCarrier implements Carrier {
  readonly dialled: boolean;
  readonly peer: CertificateIdentity;
  readonly remoteAddress: string;
  readonly nodeId: string;
  readonly #link: MemoryLink;
  readonly #lanes = new Map<number, MemoryLane>();
  #nextLane = 0;
  #laneListener: ((lane: ByteLane) => void) | undefined;
  #lanesBeforeListener: MemoryLane[] = [];
  #closeListener: ((close: CarrierClose) => void) | undefined;
  #close: CarrierClose | undefined;

  constructor(
    link: MemoryLink,
    ends: { readonly own: MemoryEnd; readonly peer: MemoryEnd; readonly dialled: boolean },
  ) {
    const { address, ...certificate } = ends.peer;
    this.#link = link;
    this.dialled = ends.dialled;
    this.nodeId = ends.own.nodeId;
    this.peer = certificate;
    this.remoteAddress = address;
  }

  /** True once this side has ended. */
  get closed(): boolean {
    return this.#close !== undefined;
  }

  openLane(): ByteLane {
    if (!this.dialled) {
      throw new TransportError("ACCEPTOR_OPENS_LANE", "only the dialling side opens lanes");
    }
    const id = this.#nextLane++;
    const lane = new MemoryLane(this.#link, this, id);
    this.#lanes.set(id, lane);
    this.#link.travel(this, (other) => {
      other.laneOpened(id);
    });
    return lane;
  }

  onLane(listener: (lane: ByteLane) => void): void {
    this.#laneListener = listener;
    for (const lane of this.#lanesBeforeListener.splice(0)) listener(lane);
  }

  close(reason: string): void {
    this.end(reason);
  }

  onClose(listener: (close: CarrierClose) => void): void {
    this.#closeListener = listener;
    if (this.#close !== undefined) listener(this.#close);
  }

  /** The other side opened a lane. */
  laneOpened(id: number): void {
    if (this.closed) return;
    const lane = new MemoryLane(this.#link, this, id);
    this.#lanes.set(id, lane);
    if (this.#laneListener === undefined) this.#lanesBeforeListener.push(lane);
    else this.#laneListener(lane);
  }

  /** Bytes came for a lane; one whose beginning was lost has no receiver. */
  arrived(id: number, bytes: Uint8Array): void {
    if (!this.closed) this.#lanes.get(id)?.arrived(bytes);
  }

  /** Ends this side and tells its listeners, once. */
  end(reason: string): void {
    if (this.#close !== undefined) return;
    this.#close = { reason };
    for (const lane of this.#lanes.values()) lane.end();
    this.#lanes.clear();
    this.#link.ended(this, reason);
    this.#closeListener?.(this.#close);
  }
}

/** One side of a lane. */
class MemoryLane implements ByteLane {
  readonly bufferedBytes = 0;
  readonly #link: MemoryLink;
  readonly #carrier: MemoryCarrier;
  readonly #id: number;
  #sink: ((chunk: Uint8Array) => void) | undefined;
  #before: Uint8Array[] = [];
  #endListener: (() => void) | undefined;
  #ended = false;

  constructor(link: MemoryLink, carrier: MemoryCarrier, id: number) {
    this.#link = link;
    this.#carrier = carrier;
    this.#id = id;
  }

  get headerRoomBytes(): number {
    return this.#link.headerRoomBytes;
  }

  write(bytes: Uint8Array, written?: () => void): void {
    if (this.#ended) return;
    // Overwritten as a real carrier would: a caller that breaks the contract is found here.
    const roomStart = bytes.byteOffset - this.headerRoomBytes;
    new Uint8Array(bytes.buffer, roomStart, this.headerRoomBytes).fill(0xee);
    this.#link.travel(this.#carrier, (other) => {
      other.arrived(this.#id, bytes.slice());
      // Spoiled as reused memory is: a lane that still reads it is found here.
      if (written === undefined) return;
      bytes.fill(0xee);
      written();
    });
  }

  onBytes(sink: (chunk: Uint8Array) => void): void {
    this.#sink = sink;
    for (const bytes of this.#before.splice(0)) this.#deliver(bytes, sink);
  }

  onEnd(listener: () => void): void {
    this.#endListener = listener;
    if (this.#ended) listener();
  }

  /** Bytes came from the other side. */
  arrived(bytes: Uint8Array): void {
    if (this.#sink === undefined) this.#before.push(bytes);
    else this.#deliver(bytes, this.#sink);
  }

  /** The carrier ended. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#endListener?.();
  }

  /** Each piece is a copy that is spoiled after the call: views of it must not outlive it. */
  #deliver(bytes: Uint8Array, sink: (chunk: Uint8Array) => void): void {
    for (let at = 0; at < bytes.length && !this.#ended; at += this.#link.chunkBytes) {
      const piece = bytes.slice(at, at + this.#link.chunkBytes);
      sink(piece);
      piece.fill(0xdd);
    }
  }
}
