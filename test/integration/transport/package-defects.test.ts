/**
 * The known defects of `@fails-components/webtransport` 1.6.8 (design/transport.md) that do not end
 * a process: each is shown on the bare package, and not to be ours. When a bare one fails, the
 * package was mended: look at its row and at the change at run time that meets it.
 */
import type { ClientHttp2Session } from "node:http2";
import { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { ReadableStreamDefaultReader } from "node:stream/web";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Carrier } from "../../../sidecar/transport/index.ts";
import { encodeCapsule, capsuleType } from "../../../sidecar/transport/webtransport/capsule.ts";
import { laneWindowBytes } from "../../../sidecar/transport/webtransport/limits.ts";
import {
  type BareOptions,
  type BareServer,
  type BareSession,
  type BareStream,
  dialBare,
  largeWindows,
  listenBare,
} from "../../support/bare-package.ts";
import { eventually } from "../../support/eventually.ts";
import { openRawPeer } from "../../support/raw-peer.ts";
import { TcpProxy } from "../../support/tcp-proxy.ts";
import { CarrierPair } from "./carrier-pair.ts";

const accept = async () => ({ status: 200, path: "/bare" });
const ends: (() => void)[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  for (const end of ends.splice(0)) end();
});

/** A session of the bare package, both sides. */
async function barePair(options: BareOptions = largeWindows, callback?: () => Promise<object>) {
  const server: BareServer = await listenBare(options, callback);
  ends.push(() => {
    server.stop();
  });
  const proxy = await TcpProxy.open({ host: "127.0.0.1", port: server.port });
  const near = await dialBare(proxy.port, server.certificate, options);
  near.closed.catch(() => undefined);
  await near.ready;
  const { value: far } = await server.sessions.getReader().read();
  if (far === undefined) throw new Error("no session");
  far.closed.catch(() => undefined);
  ends.push(() => {
    destroyBare(near);
    void proxy.close();
  });
  return { server, proxy, near, far };
}

/** A bidirectional stream that the dialler opened, both ends. */
async function bareStream(pair: { near: BareSession; far: BareSession }) {
  const near = await pair.near.createBidirectionalStream();
  const { value: far } = await pair.far.incomingBidirectionalStreams.getReader().read();
  if (far === undefined) throw new Error("no stream");
  return { near, far };
}

interface Inside {
  readonly parentobj: { readonly transportInt: { readonly clientInt: ClientHttp2Session } };
  readonly objint: { readonly capsParser: { readonly wtstreams: Map<bigint, object> } };
}

function inside(session: BareSession): Inside {
  return (session as unknown as { sessionint: Inside }).sessionint;
}

/** Its own ping would end this process soon after. */
function destroyBare(session: BareSession): void {
  const { clientInt } = inside(session).parentobj.transportInt;
  clientInt.ping = () => false;
  clientInt.destroy();
}

async function countBytes(stream: BareStream): Promise<{ bytes: number }> {
  const count = { bytes: 0 };
  const reader = stream.readable.getReader();
  const pump = async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      count.bytes += value.length;
    }
  };
  pump().catch(() => undefined);
  return count;
}

/** Calls of `write` on HTTP/2 streams, of this process's both ends. */
function countStreamWrites(): { calls: number } {
  const count = { calls: 0 };
  const original = Reflect.get(Duplex.prototype, "write") as (...args: unknown[]) => boolean;
  vi.spyOn(Duplex.prototype, "write").mockImplementation(function (this: Duplex, ...args) {
    if (this.constructor.name.endsWith("Http2Stream")) count.calls += 1;
    return Reflect.apply(original, this, args);
  });
  return count;
}

async function ours(): Promise<CarrierPair> {
  const pair = await CarrierPair.open();
  ends.push(() => {
    pair.close();
  });
  return pair;
}

async function finishStreams(pair: { near: BareSession; far: BareSession }, count: number) {
  const incoming = pair.far.incomingBidirectionalStreams.getReader();
  for (let index = 0; index < count; index += 1) {
    const near = await pair.near.createBidirectionalStream();
    const { value: far } = await incoming.read();
    if (far === undefined) throw new Error("no stream");
    await Promise.all([near.writable.close(), far.writable.close()]);
    await Promise.all([drained(near.readable.getReader()), drained(far.readable.getReader())]);
  }
}

async function drained(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}

describe("the allowance of streams", () => {
  it("is not given back by the bare package after a normal end", async () => {
    const pair = await barePair(largeWindows, accept);
    await finishStreams(pair, 100);
    const error: unknown = await pair.near.createBidirectionalStream().catch((e: unknown) => e);
    expect(error).toMatchObject({ name: "QuotaExceededError" });
  });

  it("never binds ours: a session has 64 lanes at most, of 65,536", async () => {
    const { near } = await ours();
    for (let index = 0; index < 64; index += 1) near.openLane();
    expect(() => near.openLane()).toThrow(expect.objectContaining({ code: "TOO_MANY_LANES" }));
  });
});

describe("an ended stream", () => {
  it("stays in the maps of the bare package", async () => {
    const pair = await barePair(largeWindows, accept);
    await finishStreams(pair, 5);
    expect(inside(pair.near).objint.capsParser.wtstreams.size).toBe(5);
  });

  it("leaves ours: its lane ends, and 200 of them one after the other fit", async () => {
    const pair = await ours();
    const raw = await openRawPeer(await pair.rawOptions());
    const accepted = await pair.lastAccepted();
    let [opened, ended] = [0, 0];
    accepted.onLane((lane) => {
      opened += 1;
      lane.onEnd(() => {
        ended += 1;
      });
    });
    for (let index = 0; index < 200; index += 1) {
      raw.stream.write(encodeCapsule(capsuleType.streamDataEnd, [1 + 4 * index]));
    }
    await eventually(() => ended === 200, { what: "every lane ends" });
    expect(opened).toBe(200);
    raw.destroy();
  });
});

describe("default windows without a request callback", () => {
  it("stall the bare package for ever", async () => {
    const pair = await barePair({});
    const { near, far } = await bareStream(pair);
    const count = await countBytes(far);
    const writer = near.writable.getWriter();
    for (let index = 0; index < 64; index += 1) {
      writer.write(new Uint8Array(16 * 1024)).catch(() => undefined);
    }
    await delay(700);
    expect(count.bytes).toBeLessThan(64 * 16 * 1024);
  });

  it("do not exist in ours: 32 MiB pass, more than both windows", async () => {
    const { near, lanes } = await ours();
    const lane = near.openLane();
    let bytes = 0;
    void lanes().then(([far]) => {
      far?.onBytes((chunk) => {
        bytes += chunk.length;
      });
    });
    for (let index = 0; index < 512; index += 1) lane.write(withRoom(64 * 1024));
    await eventually(() => bytes === 32 * 1024 * 1024, { timeoutMs: 10_000, what: "all arrive" });
  });
});

describe("bytes that nobody reads", () => {
  it("pass the window in the bare package", async () => {
    const pair = await barePair(
      {
        ...largeWindows,
        initialStreamFlowControlWindow: 65_536,
        streamFlowControlWindowSizeLimit: 65_536,
      },
      accept,
    );
    const { near } = await bareStream(pair);
    const writer = near.writable.getWriter();
    let written = 0;
    const write = async () => {
      for (let index = 0; index < 64; index += 1) {
        await writer.write(new Uint8Array(16 * 1024));
        written += 16 * 1024;
      }
    };
    void write().catch(() => undefined);
    await delay(700);
    expect(written).toBeGreaterThan(2 * 65_536);
  });

  it("stop at exactly the window in ours", async () => {
    const { near, lanes } = await ours();
    const lane = near.openLane();
    for (let index = 0; index < 96; index += 1) lane.write(withRoom(64 * 1024));
    const [far] = await lanes();
    const restBytes = 96 * 64 * 1024 - laneWindowBytes;
    await eventually(() => lane.bufferedBytes === restBytes, { what: "the window is used up" });
    await delay(200);
    expect(lane.bufferedBytes).toBe(restBytes);
    let bytes = 0;
    far?.onBytes((chunk) => {
      bytes += chunk.length;
    });
    await eventually(() => bytes === 96 * 64 * 1024, { what: "all is read" });
  });
});

describe("the first stream that the server opens", () => {
  it("is truncated silently by the bare package", async () => {
    const pair = await barePair(largeWindows, accept);
    const far = await pair.far.createBidirectionalStream();
    const { value: near } = await pair.near.incomingBidirectionalStreams.getReader().read();
    if (near === undefined) throw new Error("no stream");
    const count = await countBytes(near);
    await far.writable.getWriter().write(new Uint8Array(1024 * 1024));
    await delay(700);
    expect(count.bytes).toBeLessThan(1024 * 1024);
  });

  it("does not exist in ours: only the dialler opens lanes", async () => {
    const { far } = await ours();
    expect(() => far.openLane()).toThrow(expect.objectContaining({ code: "ACCEPTOR_OPENS_LANE" }));
  });
});

describe("a write", () => {
  it("is two writes of HTTP/2 in the bare package", async () => {
    const { near } = await bareStream(await barePair(largeWindows, accept));
    const count = countStreamWrites();
    await near.writable.getWriter().write(new Uint8Array(100));
    expect(count.calls).toBe(2);
  });

  it("is one in ours, header and payload together", async () => {
    const { near, lanes } = await ours();
    const lane = near.openLane();
    await lanes();
    const count = countStreamWrites();
    lane.write(withRoom(100));
    expect(count.calls).toBe(1);
  });
});

describe("a buffer that is reused after its write", () => {
  it("arrives corrupted with the bare package, although the write was awaited", async () => {
    const { near, far } = await bareStream(await barePair(largeWindows, accept));
    const writer = near.writable.getWriter();
    const buffer = new Uint8Array(256 * 1024).fill(1);
    const received: Uint8Array[] = [];
    const reader = far.readable.getReader();
    const pump = async () => {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        received.push(value);
      }
    };
    pump().catch(() => undefined);
    for (let index = 0; index < 4; index += 1) {
      await writer.write(buffer.fill(index + 1));
    }
    await eventually(() => received.reduce((sum, one) => sum + one.length, 0) === 4 * 256 * 1024);
    const all = Buffer.concat(received);
    const right = [1, 2, 3, 4].every((value, index) =>
      all.subarray(index * 256 * 1024, (index + 1) * 256 * 1024).every((byte) => byte === value),
    );
    expect(right).toBe(false);
  });

  it("cannot be: a lane owns what it is given, and its header goes where nothing else stands", async () => {
    const { near, lanes } = await ours();
    const lane = near.openLane();
    const [far] = await lanes();
    const received: Uint8Array[] = [];
    far?.onBytes((chunk) => received.push(Uint8Array.from(chunk)));
    // One slab, cut into neighbours with room between them, all written in one turn.
    const room = lane.headerRoomBytes;
    const slab = new Uint8Array(64 * (room + 1_000));
    for (let index = 0; index < 64; index += 1) {
      const begin = index * (room + 1_000) + room;
      lane.write(slab.subarray(begin, begin + 1_000).fill(index));
    }
    await eventually(() => received.reduce((sum, one) => sum + one.length, 0) === 64_000);
    const all = Buffer.concat(received);
    for (let index = 0; index < 64; index += 1) {
      expect(new Set(all.subarray(index * 1_000, (index + 1) * 1_000))).toEqual(new Set([index]));
    }
  });
});

describe("setNoDelay", () => {
  it("throws on the HTTP/2 session's socket", async () => {
    const { near } = await barePair(largeWindows, accept);
    const { socket } = inside(near).parentobj.transportInt.clientInt;
    expect(() => {
      socket.setNoDelay(true);
    }).toThrow(expect.objectContaining({ code: "ERR_HTTP2_NO_SOCKET_MANIPULATION" }));
  });

  it("is set by ours on the socket beneath, at both sides", async () => {
    const set = vi.spyOn(Socket.prototype, "setNoDelay");
    await ours();
    const sockets = set.mock.calls.filter(([on]) => on === true);
    expect(sockets.length).toBeGreaterThanOrEqual(2);
  });
});

describe("a read into a buffer of the reader's own (BYOB)", () => {
  it("lands beside the buffer that was given, in the bare package", async () => {
    const { near, far } = await bareStream(await barePair(largeWindows, accept));
    // So the next test's spy would see a reader of the package.
    expect(far.readable).toBeInstanceOf(ReadableStream);
    const reader = far.readable.getReader({ mode: "byob" });
    const read = reader.read(new Uint8Array(new ArrayBuffer(200), 100, 100));
    await near.writable.getWriter().write(new Uint8Array(100).fill(7));
    const { value } = await read;
    expect(value?.byteOffset).toBe(100);
    expect(new Set(value)).toEqual(new Set([0]));
    expect(new Set(new Uint8Array(value?.buffer ?? new ArrayBuffer(0), 0, 100))).toEqual(
      new Set([7]),
    );
  });

  it("is never asked for by ours: bytes come without a reader of the package", async () => {
    const reader = vi.spyOn(ReadableStream.prototype, "getReader");
    const { near, lanes } = await ours();
    const lane = near.openLane();
    const [far] = await lanes();
    const received = new Promise<number>((resolve) => {
      far?.onBytes((chunk) => {
        resolve(chunk.length);
      });
    });
    lane.write(withRoom(100));
    expect(await received).toBe(100);
    expect(reader).not.toHaveBeenCalled();
  });
});

describe("an aborted stream", () => {
  it("leaves the readable half hanging in the bare package", async () => {
    const { near } = await bareStream(await barePair(largeWindows, accept));
    await near.writable.abort();
    const read = near.readable.getReader().read();
    const outcome = await Promise.race([
      read.catch(() => "failed"),
      delay(500).then(() => "hangs"),
    ]);
    expect(outcome).toBe("hangs");
  });

  it("ends the lane in ours", async () => {
    const pair = await ours();
    const raw = await openRawPeer(await pair.rawOptions());
    const accepted = await pair.lastAccepted();
    const lane = await new Promise<{ onEnd(listener: () => void): void }>((resolve) => {
      accepted.onLane(resolve);
      raw.stream.write(encodeCapsule(capsuleType.streamData, [1]));
    });
    const ended = new Promise<void>((resolve) => {
      lane.onEnd(resolve);
    });
    raw.stream.write(encodeCapsule(capsuleType.resetStream, [1, 0]));
    await ended;
    raw.destroy();
  });
});

describe("closed", () => {
  it("resolves for a lost peer in the bare package, as for a clean end with code 8", async () => {
    const clean = await barePair(largeWindows, accept);
    clean.near.close({ closeCode: 8, reason: "" });
    const lost = await barePair(largeWindows, accept);
    lost.proxy.end();
    expect(await lost.far.closed).toEqual(await clean.far.closed);
  });

  it("carries the closer's reason in ours, and none when the peer was lost", async () => {
    const clean = await ours();
    const cleanEnd = endOf(clean.far);
    clean.near.close("the run is over");
    expect(await cleanEnd).toEqual({ reason: "the run is over" });
    const lost = await ours();
    const lostEnd = endOf(lost.far);
    lost.kill();
    expect((await lostEnd).reason).not.toBe("the run is over");
  });
});

describe("a request callback that gives no status", () => {
  it("lets a client of the bare package hang", async () => {
    const server = await listenBare({}, async () => ({}));
    const near = await dialBare(server.port, server.certificate);
    near.closed.catch(() => undefined);
    const outcome = await Promise.race([
      near.ready.then(
        () => "open",
        () => "refused",
      ),
      delay(1_000).then(() => "hangs"),
    ]);
    expect(outcome).toBe("hangs");
    destroyBare(near);
    server.stop();
  });

  it("is not ours: whatever is asked for is answered at once", async () => {
    const pair = await ours();
    const raw = await openRawPeer({ ...(await pair.rawOptions()), headers: { ":path": "/else" } });
    expect(raw.status).toBe(404);
    raw.destroy();
  });
});

describe("stopServer", () => {
  it("leaves sessions of the bare package open", async () => {
    const pair = await barePair(largeWindows, accept);
    pair.server.stop();
    const outcome = await Promise.race([
      pair.far.closed.then(() => "closed"),
      delay(500).then(() => "open"),
    ]);
    expect(outcome).toBe("open");
  });

  it("leaves carriers open in ours, as the port says, and takes no new one", async () => {
    const pair = await ours();
    await pair.listener.close();
    const lane = pair.near.openLane();
    const [far] = await pair.lanes();
    const chunk = new Promise((resolve) => {
      far?.onBytes((bytes) => {
        resolve(bytes.length);
      });
    });
    lane.write(withRoom(10));
    expect(await chunk).toBe(10);
    await expect(pair.dialAgain()).rejects.toMatchObject({ code: "DIAL_FAILED" });
  });
});

function endOf(carrier: Carrier): Promise<{ readonly reason: string }> {
  return new Promise((resolve) => {
    carrier.onClose(resolve);
  });
}

/** A view with the room that a lane wants before it. */
function withRoom(bytes: number): Uint8Array {
  return new Uint8Array(32 + bytes).subarray(32);
}
