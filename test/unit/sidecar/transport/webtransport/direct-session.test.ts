import { findPackageJSON } from "node:module";
import { PassThrough } from "node:stream";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  capsuleType,
  encodeCapsule,
  maxDataHeaderBytes,
  writeDataHeader,
} from "../../../../../sidecar/transport/webtransport/capsule.ts";
import type { DirectLane } from "../../../../../sidecar/transport/webtransport/direct-lane.ts";
import {
  DirectSession,
  maxLanes,
} from "../../../../../sidecar/transport/webtransport/direct-session.ts";

type Maker = new (options: object) => object;
let Session: Maker;
let Parser: Maker;
let Face: Maker;

/** The package's real session and parser, over a stream whose writes are written down. */
beforeAll(async () => {
  const manifest = findPackageJSON("@fails-components/webtransport", import.meta.url) ?? "";
  const load = async (path: string, name: string): Promise<Maker> => {
    const module = (await import(manifest.replace("package.json", `lib/${path}`))) as object;
    return Reflect.get(module, name) as Maker;
  };
  Session = await load("http2/session.js", "Http2WebTransportSession");
  Parser = await load("http2/node/capsuleparser.js", "Http2CapsuleParser");
  Face = await load("session.js", "HttpWTSession");
});

/** The inside that a test looks at. */
interface Native {
  readonly capsParser: {
    readonly wtstreams: Map<bigint, object>;
    readonly scheduler: { readonly streamToGroupMap_: object };
  };
}

class Rig {
  readonly written: Buffer[] = [];
  readonly faults: string[] = [];
  readonly lanes: DirectLane[] = [];
  readonly stream = new PassThrough();
  readonly native: Native;
  readonly session: DirectSession;
  pendingBytes = 0;

  constructor(isclient: boolean, windowBytes = 64) {
    const { stream } = this;
    stream.write = ((chunk: Uint8Array) => {
      this.written.push(Buffer.from(chunk));
      return true;
    }) as typeof stream.write;
    Object.defineProperty(stream, "writableLength", { get: () => this.pendingBytes });
    const windows = {
      initialStreamSendWindowOffsetBidi: windowBytes,
      initialStreamSendWindowOffsetUnidi: windowBytes,
      initialStreamReceiveWindowOffset: windowBytes,
      streamShouldAutoTuneReceiveWindow: true,
      streamReceiveWindowSizeLimit: windowBytes,
    };
    const object = new Session({
      stream,
      isclient,
      createParser: (nativesession: object) =>
        new Parser({ ...windows, stream, nativesession, isclient }),
      sendWindowOffset: 4 * windowBytes,
      receiveWindowOffset: 4 * windowBytes,
      shouldAutoTuneReceiveWindow: true,
      receiveWindowSizeLimit: 4 * windowBytes,
      initialBidirectionalSendStreams: 1_000,
      initialBidirectionalReceiveStreams: 1_000,
      initialUnidirectionalSendStreams: 1_000,
      initialUnidirectionalReceiveStreams: 1_000,
    });
    const face = new Face({ object, parentobj: {} }) as { closed: Promise<unknown> };
    face.closed.catch(() => undefined);
    this.native = object as Native;
    this.session = new DirectSession(object, isclient, {
      lane: (lane) => this.lanes.push(lane),
      fault: (reason) => this.faults.push(reason),
      peerClosed: () => undefined,
    });
  }

  /** What the peer sends. */
  receive(...chunks: Uint8Array[]): void {
    this.stream.emit("data", Buffer.concat(chunks));
  }

  /** Everything that was written since the last call. */
  sent(): Buffer {
    return Buffer.concat(this.written.splice(0));
  }
}

function data(id: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(maxDataHeaderBytes);
  const end = writeDataHeader(header, 0, { id, payloadBytes: payload.length });
  return Buffer.concat([header.subarray(0, end), payload]);
}

/** Bytes with free room before them, and room that shows what was written into it. */
function roomy(payload: Uint8Array): Uint8Array {
  const whole = new Uint8Array(maxDataHeaderBytes + payload.length).fill(0xee);
  whole.set(payload, maxDataHeaderBytes);
  return whole.subarray(maxDataHeaderBytes);
}

describe("sending", () => {
  let rig: Rig;
  let lane: DirectLane;
  beforeEach(() => {
    rig = new Rig(true);
    lane = rig.session.openLane();
  });

  it("opens a stream as the package does", () => {
    expect(rig.sent()).toEqual(Buffer.from([0x99, 0x0b, 0x4d, 0x3b, 1, 1]));
    expect(lane.id).toBe(1);
  });

  it("writes header and payload at once, the header into the room before the payload", () => {
    rig.sent();
    const bytes = roomy(Buffer.from("abc"));
    lane.write(bytes);
    expect(rig.written).toHaveLength(1);
    expect(rig.sent()).toEqual(data(1, Buffer.from("abc")));
    const room = Buffer.from(bytes.buffer, 0, maxDataHeaderBytes);
    expect(room.subarray(0, maxDataHeaderBytes - 6).every((byte) => byte === 0xee)).toBe(true);
  });

  it("sends what the lane's window takes, and the rest when the peer allows more", () => {
    rig.sent();
    lane.write(roomy(Buffer.alloc(100, 1)));
    lane.write(roomy(Buffer.alloc(10, 2)));
    expect(rig.sent()).toEqual(data(1, Buffer.alloc(64, 1)));
    expect(lane.bufferedBytes).toBe(46);
    rig.receive(encodeCapsule(capsuleType.maxStreamData, [1, 80]));
    expect(rig.sent()).toEqual(data(1, Buffer.alloc(16, 1)));
    rig.receive(encodeCapsule(capsuleType.maxStreamData, [1, 200]));
    expect(rig.sent()).toEqual(
      Buffer.concat([data(1, Buffer.alloc(20, 1)), data(1, Buffer.alloc(10, 2))]),
    );
    expect(lane.bufferedBytes).toBe(0);
  });

  it("leaves what was sent of a cut view as it was: the rest brings its own header", () => {
    rig.sent();
    const bytes = roomy(Buffer.alloc(100, 1));
    lane.write(bytes);
    rig.receive(encodeCapsule(capsuleType.maxStreamData, [1, 200]));
    expect(bytes.every((byte) => byte === 1)).toBe(true);
  });

  it("keeps to the session's window over all lanes", () => {
    const others = Array.from({ length: 4 }, () => rig.session.openLane());
    rig.sent();
    for (const other of others) other.write(roomy(Buffer.alloc(64, 3)));
    lane.write(roomy(Buffer.alloc(5, 4)));
    expect(rig.written).toHaveLength(4);
    expect(lane.bufferedBytes).toBe(5);
    rig.sent();
    rig.receive(encodeCapsule(capsuleType.maxData, [300]));
    expect(rig.sent()).toEqual(data(1, Buffer.alloc(5, 4)));
  });

  it("queues while the HTTP/2 stream is full, and goes on at drain", () => {
    rig.sent();
    rig.pendingBytes = 2 * 1024 * 1024;
    lane.write(roomy(Buffer.from("later")));
    expect(rig.sent()).toHaveLength(0);
    rig.pendingBytes = 0;
    rig.stream.emit("drain");
    expect(rig.sent()).toEqual(data(1, Buffer.from("later")));
  });

  it("drops what is written after the end", () => {
    rig.sent();
    rig.session.end();
    lane.write(roomy(Buffer.from("abc")));
    expect(rig.sent()).toHaveLength(0);
    expect(lane.bufferedBytes).toBe(0);
    expect(() => rig.session.openLane()).toThrow(expect.objectContaining({ code: "CLOSED" }));
  });

  it("opens 64 lanes at most", () => {
    for (let count = 1; count < maxLanes; count += 1) rig.session.openLane();
    expect(() => rig.session.openLane()).toThrow(
      expect.objectContaining({ code: "TOO_MANY_LANES" }),
    );
  });
});

describe("receiving", () => {
  it("hands views of the chunk to the sink, in the call that brought them", () => {
    const rig = new Rig(false);
    const chunk = data(1, Buffer.from("abc"));
    rig.stream.emit("data", data(1, Buffer.alloc(0)));
    const views: Uint8Array[] = [];
    rig.lanes[0]?.onBytes((bytes) => views.push(bytes));
    rig.stream.emit("data", chunk);
    expect(Buffer.concat(views).toString()).toBe("abc");
    expect(views[0]?.buffer).toBe(chunk.buffer);
  });

  it("keeps copies for a sink that comes late, and grants nothing for them before", () => {
    const rig = new Rig(false);
    const chunk = data(1, Buffer.alloc(64, 7));
    rig.receive(chunk);
    chunk.fill(0);
    expect(rig.sent()).toHaveLength(0);
    const bytes: number[] = [];
    rig.lanes[0]?.onBytes((view) => bytes.push(...view));
    expect(bytes).toEqual(Array<number>(64).fill(7));
    expect(rig.sent()).toEqual(Buffer.from(encodeCapsule(capsuleType.maxStreamData, [1, 128])));
  });

  it("grants for the session once half of its window is consumed, whatever the lane", () => {
    const rig = new Rig(false);
    for (const id of [1, 5, 9]) {
      rig.receive(data(id, Buffer.alloc(44)));
      rig.lanes.at(-1)?.onBytes(() => undefined);
    }
    const limit = Buffer.from(encodeCapsule(capsuleType.maxData, [3 * 44 + 256]));
    expect(rig.sent().includes(limit)).toBe(true);
  });

  it("says so when a lane's or the session's window is exceeded", () => {
    const lane = new Rig(false);
    lane.receive(data(1, Buffer.alloc(65)));
    expect(lane.faults).toEqual([expect.stringContaining("window")]);
    const session = new Rig(false);
    for (const id of [1, 5, 9, 13, 17]) session.receive(data(id, Buffer.alloc(60)));
    expect(session.faults).toEqual([expect.stringContaining("window")]);
  });

  it("knows bytes of a lane that has ended, and counts them for the session", () => {
    const rig = new Rig(false);
    rig.receive(encodeCapsule(capsuleType.streamDataEnd, [1]));
    for (let count = 0; count < 5; count += 1) rig.receive(data(1, Buffer.alloc(60)));
    expect(rig.faults).toEqual([]);
    const limit = Buffer.from(encodeCapsule(capsuleType.maxData, [180 + 256]));
    expect(rig.sent().includes(limit)).toBe(true);
  });

  it.each([
    ["a stream of the acceptor's side", false, data(0, Buffer.from("x"))],
    ["a stream out of order", false, data(5, Buffer.from("x"))],
    ["a unidirectional stream", false, data(3, Buffer.from("x"))],
    ["a stream that the acceptor opened", true, data(0, Buffer.from("x"))],
  ])("refuses %s", (_case, isclient, bytes) => {
    const rig = new Rig(isclient);
    rig.receive(bytes);
    expect(rig.faults).toHaveLength(1);
    expect(rig.lanes).toEqual([]);
  });
});

describe("an ended lane", () => {
  it.each([
    ["its last capsule", capsuleType.streamDataEnd],
    ["a reset", capsuleType.resetStream],
    ["a peer that wants no more", capsuleType.stopSending],
  ])("ends by %s and is forgotten in both maps of the package", (_case, type) => {
    const rig = new Rig(false);
    rig.receive(data(1, Buffer.from("x")));
    let ends = 0;
    rig.lanes[0]?.onEnd(() => {
      ends += 1;
    });
    expect(rig.native.capsParser.wtstreams.size).toBe(1);
    rig.receive(encodeCapsule(type, type === capsuleType.streamDataEnd ? [1] : [1, 0]));
    expect(ends).toBe(1);
    expect(rig.native.capsParser.wtstreams.size).toBe(0);
    expect(Object.keys(rig.native.capsParser.scheduler.streamToGroupMap_)).toEqual([]);
  });

  it("tells a listener that comes late", () => {
    const rig = new Rig(true);
    const lane = rig.session.openLane();
    rig.session.end();
    let ended = false;
    lane.onEnd(() => {
      ended = true;
    });
    expect(ended).toBe(true);
  });
});
