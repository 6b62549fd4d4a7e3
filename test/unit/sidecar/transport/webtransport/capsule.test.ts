import { findPackageJSON } from "node:module";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  type CapsuleHandler,
  CapsuleReader,
  capsuleType,
  dataHeaderBytes,
  encodeCapsule,
  maxDataHeaderBytes,
  varintBytes,
  writeDataHeader,
  writeVarint,
} from "../../../../../sidecar/transport/webtransport/capsule.ts";

/** The package's own codec, the slow one that ours is compared with. */
interface PackageCodec {
  writeVarInt(state: { offset: number; size: number; buffer: Buffer }, value: number): void;
}
let codec: PackageCodec;

beforeAll(async () => {
  const manifest = findPackageJSON("@fails-components/webtransport", import.meta.url) ?? "";
  const path = manifest.replace(/package\.json$/, "lib/http2/parserbasehttp2.js");
  codec = (await import(path)) as PackageCodec;
});

/** Writes down everything a reader tells. Adjacent bytes of one stream are joined. */
class Recorder implements CapsuleHandler {
  readonly events: string[] = [];
  #note(event: string): void {
    this.events.push(event);
  }
  streamData(id: number, bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString("hex");
    const last = this.events.at(-1);
    if (last?.startsWith(`data ${id} `) === true) this.events[this.events.length - 1] = last + text;
    else this.#note(`data ${id} ${text}`);
  }
  streamEnd(id: number): void {
    this.#note(`end ${id}`);
  }
  stopSending(id: number): void {
    this.#note(`stop ${id}`);
  }
  maxData(limit: number): void {
    this.#note(`maxData ${limit}`);
  }
  maxStreamData(id: number, limit: number): void {
    this.#note(`maxStreamData ${id} ${limit}`);
  }
  closeSession(code: number, reason: string): void {
    this.#note(`close ${code} ${reason}`);
  }
  malformed(reason: string): void {
    this.#note(`malformed: ${reason}`);
  }
}

function read(...chunks: Uint8Array[]): string[] {
  const recorder = new Recorder();
  const reader = new CapsuleReader(recorder);
  for (const chunk of chunks) reader.push(chunk);
  return recorder.events;
}

function data(id: number, payload: Uint8Array, type: number = capsuleType.streamData): Buffer {
  const header = Buffer.alloc(maxDataHeaderBytes);
  const end = writeDataHeader(header, 0, { id, payloadBytes: payload.length });
  writeVarint(header, 0, type);
  return Buffer.concat([header.subarray(0, end), payload]);
}

function closeCapsule(code: number, reason: string): Buffer {
  const body = Buffer.concat([Buffer.alloc(4), Buffer.from(reason)]);
  body.writeUInt32BE(code);
  const head = Buffer.alloc(16);
  const end = writeVarint(head, writeVarint(head, 0, capsuleType.closeSession), body.length);
  return Buffer.concat([head.subarray(0, end), body]);
}

const integers = fc.oneof(
  fc.maxSafeNat(),
  fc.constantFrom(0, 63, 64, 16_383, 16_384, 2 ** 30 - 1, 2 ** 30, 2 ** 32, 2 ** 53 - 1),
);

describe("writeVarint", () => {
  it("writes what the package writes", () => {
    fc.assert(
      fc.property(integers, (value) => {
        const ours = Buffer.alloc(8);
        const theirs = Buffer.alloc(8);
        expect(writeVarint(ours, 0, value)).toBe(varintBytes(value));
        codec.writeVarInt({ offset: 0, size: 8, buffer: theirs }, value);
        expect(ours).toEqual(theirs);
      }),
    );
  });
});

describe("CapsuleReader", () => {
  it("tells the same, however the bytes are cut", () => {
    const capsule = fc.oneof(
      fc
        .tuple(fc.nat(300), fc.uint8Array({ maxLength: 200 }))
        .map(([id, bytes]) => data(id, bytes)),
      fc
        .tuple(fc.nat(300), fc.uint8Array({ maxLength: 20 }))
        .map(([id, bytes]) => data(id, bytes, capsuleType.streamDataEnd)),
      integers.map((limit) => encodeCapsule(capsuleType.maxData, [limit])),
      fc
        .tuple(fc.nat(300), integers)
        .map((fields) => encodeCapsule(capsuleType.maxStreamData, fields)),
      fc.nat(300).map((id) => encodeCapsule(capsuleType.resetStream, [id, 0])),
      fc.nat(300).map((id) => encodeCapsule(capsuleType.stopSending, [id, 0])),
      fc.tuple(integers, fc.nat(500)).map(([type, length]) => skipped(type, length)),
      fc.string({ maxLength: 100 }).map((reason) => closeCapsule(7, reason)),
    );
    fc.assert(
      fc.property(
        fc.array(capsule, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }),
        (capsules, sizes) => {
          const whole = Buffer.concat(capsules);
          const pieces: Buffer[] = [];
          for (let at = 0, turn = 0; at < whole.length; turn += 1) {
            const size = sizes[turn % sizes.length] ?? 1;
            pieces.push(whole.subarray(at, at + size));
            at += size;
          }
          expect(read(...pieces)).toEqual(read(whole));
        },
      ),
    );
  });

  it("tells each capsule", () => {
    expect(
      read(
        Buffer.concat([
          data(1, new Uint8Array(0)),
          data(1, Buffer.from("abc")),
          encodeCapsule(capsuleType.maxStreamData, [1, 2 ** 40]),
          data(5, Buffer.from("z"), capsuleType.streamDataEnd),
          encodeCapsule(capsuleType.resetStream, [1, 0]),
          closeCapsule(9, "bye"),
        ]),
      ),
    ).toEqual([
      "data 1 616263",
      `maxStreamData 1 ${2 ** 40}`,
      "data 5 7a",
      "end 5",
      "end 1",
      "close 9 bye",
    ]);
  });

  it("never throws and never tells anything after `malformed`", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 10 }), (chunks) => {
        const events = read(...chunks);
        const broken = events.findIndex((event) => event.startsWith("malformed"));
        expect(broken === -1 || broken === events.length - 1).toBe(true);
      }),
    );
  });

  it.each([
    ["a stream capsule without an id", Buffer.from([0x99, 0x0b, 0x4d, 0x3b, 0, 1])],
    ["a kept capsule that is too long", skipped(capsuleType.closeSession, 2_000)],
    ["a close without a code", skipped(capsuleType.closeSession, 3)],
    ["a limit without a number", skipped(capsuleType.maxData, 0)],
    ["a stream limit without its second number", encodeCapsule(capsuleType.maxStreamData, [1])],
    ["an integer above 2^53", Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
  ])("refuses %s", (_case, bytes) => {
    expect(read(bytes).at(-1)).toMatch(/^malformed/);
  });

  it("reads nothing after stop", () => {
    const recorder = new Recorder();
    const reader = new CapsuleReader(recorder);
    reader.stop();
    reader.push(data(1, Buffer.from("abc")));
    expect(recorder.events).toEqual([]);
  });

  it("keeps no more than a header of what was cut", () => {
    // A capsule of a type that means nothing to us passes, whatever its length says.
    const long = Buffer.concat([skipped(0x12345, 0), data(1, Buffer.from("a"))]);
    expect(read(long)).toEqual(["data 1 61"]);
    const header = encodeCapsule(0x0, []);
    expect(read(header, data(1, Buffer.from("b")))).toEqual(["data 1 62"]);
  });
});

describe("dataHeaderBytes", () => {
  it("is what the header takes, and never more than the room that lanes ask for", () => {
    fc.assert(
      fc.property(fc.nat(16_383), fc.nat(2 ** 31 - 1), (id, payloadBytes) => {
        const target = new Uint8Array(32);
        const end = writeDataHeader(target, 0, { id, payloadBytes });
        expect(dataHeaderBytes(id, payloadBytes)).toBe(end);
        expect(end).toBeLessThanOrEqual(maxDataHeaderBytes);
      }),
    );
  });
});

function skipped(type: number, length: number): Buffer {
  const head = Buffer.alloc(16);
  const end = writeVarint(head, writeVarint(head, 0, type), length);
  return Buffer.concat([head.subarray(0, end), Buffer.alloc(length)]);
}
