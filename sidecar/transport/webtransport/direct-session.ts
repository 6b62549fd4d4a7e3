/**
 * Takes a session over from the package below its web streams, by changes to the live objects:
 *
 * - the HTTP/2 stream's bytes go to our capsule reader (`parseData`; `data` instead of `readable`);
 * - lanes are made where the package would make web streams (`onStream`);
 * - stream data is written by us, header and payload in one write, and queued by us when a window
 *   or the HTTP/2 stream is full (`drainWrites`).
 *
 * Kept of the package: TLS and HTTP/2 set-up, settings, the CONNECT, stream ids and their
 * allowance, the close capsule and the session's states.
 */
import { TransportError } from "../transport-error.ts";
import {
  CapsuleReader,
  capsuleType,
  dataHeaderBytes,
  encodeCapsule,
  writeDataHeader,
} from "./capsule.ts";
import { DirectLane, type LaneSession, type Waiting } from "./direct-lane.ts";
import { FlowWindow } from "./flow-window.ts";
import {
  assertShape,
  type CapsuleParser,
  type CapsuleStream,
  type FlowController,
  type NativeSession,
  type NativeStream,
  type SessionFace,
} from "./package-shape.ts";

/** Lanes of one session at most: a peer that opens more is closed. */
export const maxLanes = 64;

/** Bytes that may wait in the HTTP/2 stream before lanes queue instead: one fair turn for each. */
const maxStreamBufferedBytes = 1024 * 1024;

/** What the carrier hears of its session. */
export interface DirectSessionEvents {
  /** The peer opened a lane. */
  lane(lane: DirectLane): void;
  /** The peer broke the protocol: the session must be ended. */
  fault(reason: string): void;
  /** The peer closed the session; the stream's end follows. */
  peerClosed(reason: string): void;
}

/** The lanes of one session. */
export class DirectSession implements LaneSession {
  readonly #native: NativeSession;
  readonly #parser: CapsuleParser;
  readonly #stream: CapsuleStream;
  readonly #events: DirectSessionEvents;
  readonly #reader: CapsuleReader;
  readonly #window: FlowWindow;
  readonly #dialled: boolean;
  readonly #lanes = new Map<number, DirectLane>();
  /** The lane of the last chunk: most chunks are of the same. */
  #lastLane: DirectLane | undefined;
  /** Set by `onStream` while the package makes a stream for us. */
  #madeId: number | undefined;
  /** Id of the next lane, whoever of the two opens it. */
  #nextId = 1;
  #ended = false;

  /**
   * Takes the session over.
   * @throws {TransportError} `PACKAGE_CHANGED` when a part is not there.
   */
  constructor(native: unknown, dialled: boolean, events: DirectSessionEvents) {
    assertNativeSession(native);
    this.#native = native;
    this.#parser = native.capsParser;
    this.#stream = native.capsParser.stream;
    this.#dialled = dialled;
    this.#events = events;
    this.#window = new FlowWindow(
      Number(native.flowController.sendWindowOffset),
      Number(native.flowController.receiveWindowOffset),
    );
    this.#reader = new CapsuleReader({
      streamData: (id, bytes) => {
        this.#receive(id, bytes);
      },
      streamEnd: (id) => {
        this.#endLane(id);
      },
      stopSending: (id) => {
        this.#endLane(id);
      },
      maxData: (limit) => {
        if (this.#window.raiseSendLimit(limit)) this.#flush();
      },
      maxStreamData: (id, limit) => {
        if (this.#lanes.get(id)?.window.raiseSendLimit(limit) === true) this.#flush();
      },
      closeSession: (code, reason) => {
        this.#events.peerClosed(reason);
        this.#parser.onCloseWebTransportSession({ code, reason });
      },
      malformed: (reason) => {
        this.#events.fault(reason);
      },
    });
    this.#takeOver();
  }

  get streamBufferedBytes(): number {
    return this.#stream.writableLength;
  }

  /**
   * Opens a lane; the dialling side only.
   * @throws {TransportError} `CLOSED`, `TOO_MANY_LANES`, `PACKAGE_CHANGED`.
   */
  openLane(): DirectLane {
    if (this.#ended) throw new TransportError("CLOSED", "the session has ended");
    if (this.#lanes.size >= maxLanes) {
      throw new TransportError("TOO_MANY_LANES", `a session has at most ${maxLanes} lanes`);
    }
    this.#madeId = undefined;
    this.#native.orderBidiStream({ sendGroup: null, sendOrder: 0, waitUntilAvailable: false });
    const id = this.#takeMadeId();
    if (id === undefined) {
      throw new TransportError("TOO_MANY_LANES", "the peer's allowance of streams is used up");
    }
    this.#nextId = id + 4;
    return this.#addLane(id);
  }

  sendNow(lane: DirectLane, { bytes, hasRoom, written }: Waiting): number {
    if (this.#ended || this.#stream.writableLength > maxStreamBufferedBytes) return 0;
    const taken = Math.min(bytes.length, lane.window.sendableBytes, this.#window.sendableBytes);
    if (taken <= 0) return 0;
    lane.window.addSent(taken);
    this.#window.addSent(taken);
    const all = taken === bytes.length;
    const sent = all ? bytes : bytes.subarray(0, taken);
    // Writes end in their order, so the last part of a view stands for all of it.
    const onWritten = all ? written : undefined;
    if (hasRoom) this.#writeInRoom(lane.id, sent, onWritten);
    else this.#writeBeside(lane.id, sent, onWritten);
    return taken;
  }

  consumed(lane: DirectLane, bytes: number): void {
    const laneLimit = lane.window.addConsumed(bytes);
    const sessionLimit = this.#window.addConsumed(bytes);
    if (this.#ended) return;
    if (laneLimit !== undefined) {
      this.#stream.write(encodeCapsule(capsuleType.maxStreamData, [lane.id, laneLimit]));
    }
    if (sessionLimit !== undefined) {
      this.#stream.write(encodeCapsule(capsuleType.maxData, [sessionLimit]));
    }
  }

  /** Sets the one listener of the end of the HTTP/2 stream that carries the session. */
  onStreamClose(listener: (cause: Error | undefined) => void): void {
    let cause: Error | undefined;
    this.#stream.on("error", (error: Error) => {
      cause = error;
    });
    // A peer that has ended its half will say nothing more; the package would wait for ever.
    this.#stream.on("end", () => {
      listener(cause);
      this.#stream.destroy();
    });
    this.#stream.on("close", () => {
      listener(cause);
    });
  }

  /** Tells the peer that the session is over and ends the stream once that is sent. */
  close(reason: string): void {
    if (this.#ended) return;
    this.end();
    if (!this.#stream.destroyed) this.#native.jsobj.close({ closeCode: 0, reason });
  }

  /** Ends all lanes and reads nothing more. Extra calls are harmless. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reader.stop();
    const lanes = [...this.#lanes.values()];
    this.#lanes.clear();
    for (const lane of lanes) lane.end();
  }

  #takeOver(): void {
    this.#native.jsobj.onStream = ({ stream }) => {
      assertShape<NativeStream>(stream, "a stream", { streamid: "bigint" });
      this.#madeId = Number(stream.streamid);
    };
    this.#parser.parseData = (chunk) => {
      this.#reader.push(chunk);
    };
    this.#parser.drainWrites = () => {
      this.#flush();
    };
    // The package reads in `readable`: a tick later and joined by a copy. `data` comes at once.
    this.#stream.removeAllListeners("readable");
    this.#stream.on("data", (chunk: Uint8Array) => {
      this.#reader.push(chunk);
    });
    this.#stream.resume();
  }

  /** One write: the header goes into the free bytes before the payload. */
  #writeInRoom(id: number, bytes: Uint8Array, onWritten: Waiting["written"]): void {
    const headerBytes = dataHeaderBytes(id, bytes.length);
    const begin = bytes.byteOffset - headerBytes;
    const capsule = Buffer.from(bytes.buffer, begin, headerBytes + bytes.length);
    writeDataHeader(capsule, 0, { id, payloadBytes: bytes.length });
    this.#stream.write(capsule, onWritten);
  }

  /** The rest of a view that a window cut: what is before it is still being sent. */
  #writeBeside(id: number, bytes: Uint8Array, onWritten: Waiting["written"]): void {
    const header = Buffer.allocUnsafe(dataHeaderBytes(id, bytes.length));
    writeDataHeader(header, 0, { id, payloadBytes: bytes.length });
    this.#stream.cork();
    this.#stream.write(header);
    this.#stream.write(bytes, onWritten);
    this.#stream.uncork();
  }

  #flush(): void {
    if (this.#ended) return;
    for (const lane of this.#lanes.values()) {
      if (lane.hasQueued) lane.flush();
    }
  }

  #receive(id: number, bytes: Uint8Array): void {
    let lane = this.#lastLane;
    if (lane?.id !== id) {
      lane = this.#lanes.get(id) ?? this.#acceptLane(id);
      if (lane === undefined) {
        this.#skip(bytes.length);
        return;
      }
      this.#lastLane = lane;
    }
    if (bytes.length === 0) return;
    const inWindows = lane.window.addReceived(bytes.length);
    if (!this.#window.addReceived(bytes.length) || !inWindows) {
      this.#events.fault(`lane ${id} was sent more bytes than its window allows`);
      return;
    }
    lane.receive(bytes);
  }

  /** Only the dialler opens lanes, in the order of their ids: 1, 5, 9 … */
  #acceptLane(id: number): DirectLane | undefined {
    // Late bytes of a lane that has ended here.
    if (id < this.#nextId && id % 4 === 1) return undefined;
    if (this.#dialled || id !== this.#nextId || this.#lanes.size >= maxLanes) {
      this.#events.fault(
        this.#dialled
          ? `the acceptor opened stream ${id}; only the dialler opens lanes`
          : `stream ${id} was opened where ${this.#nextId} was next, of ${maxLanes} lanes`,
      );
      return undefined;
    }
    this.#nextId += 4;
    this.#madeId = undefined;
    this.#parser.newStream(BigInt(id), { sendOrder: 0, sendGroupId: 0n });
    if (this.#takeMadeId() !== id) {
      this.#events.fault(`stream ${id} is beyond the allowance`);
      return undefined;
    }
    const lane = this.#addLane(id);
    this.#events.lane(lane);
    return lane;
  }

  /** Bytes of no lane use the session's window all the same. */
  #skip(bytes: number): void {
    this.#window.addReceived(bytes);
    const limit = this.#window.addConsumed(bytes);
    if (limit === undefined || this.#ended) return;
    this.#stream.write(encodeCapsule(capsuleType.maxData, [limit]));
  }

  /** What `onStream` set during the call before; a method, since the compiler cannot see that. */
  #takeMadeId(): number | undefined {
    return this.#madeId;
  }

  #addLane(id: number): DirectLane {
    const window = new FlowWindow(
      this.#parser.initialStreamSendWindowOffsetBidi,
      this.#parser.initialStreamReceiveWindowOffset,
    );
    const lane = new DirectLane(id, window, this);
    this.#lanes.set(id, lane);
    return lane;
  }

  /** The package would keep an ended stream in two maps for as long as the session lives. */
  #endLane(id: number): void {
    const lane = this.#lanes.get(id);
    if (lane === undefined) return;
    this.#lanes.delete(id);
    if (this.#lastLane === lane) this.#lastLane = undefined;
    this.#parser.wtstreams.delete(BigInt(id));
    this.#parser.scheduler.Unregister(BigInt(id));
    lane.end();
  }
}

function assertNativeSession(native: unknown): asserts native is NativeSession {
  assertShape<NativeSession>(native, "a native session", {
    jsobj: "object",
    capsParser: "object",
    flowController: "object",
    orderBidiStream: "function",
  });
  assertShape<FlowController>(native.flowController, "a flow controller", {
    sendWindowOffset: "bigint",
    receiveWindowOffset: "bigint",
  });
  assertShape<CapsuleParser>(native.capsParser, "a capsule parser", {
    stream: "object",
    initialStreamSendWindowOffsetBidi: "number",
    initialStreamReceiveWindowOffset: "number",
    wtstreams: "object",
    scheduler: "object",
    parseData: "function",
    drainWrites: "function",
    newStream: "function",
    onCloseWebTransportSession: "function",
  });
  assertShape<CapsuleParser["scheduler"]>(native.capsParser.scheduler, "a scheduler", {
    Unregister: "function",
  });
  assertShape<SessionFace>(native.jsobj, "a session", {
    ready: "object",
    closed: "object",
    draining: "object",
    close: "function",
    onStream: "function",
  });
}
