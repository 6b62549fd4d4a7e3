import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameDecoder } from "../../../../sidecar/wire/frame-decoder.ts";
import { FrameWriter } from "../../../../sidecar/wire/frame-writer.ts";
import { MemoryBudget } from "../../../../sidecar/wire/memory-budget.ts";
import { SlabPool } from "../../../../sidecar/wire/slab-pool.ts";

interface Seen {
  readonly type: number;
  readonly channel: number;
  readonly body: number[];
}

function decoder(maxFrameBytes = 100_000, limitBytes = 1_000_000, stopAfter = Infinity) {
  const seen: Seen[] = [];
  const views: Uint8Array[] = [];
  const budget = new MemoryBudget(limitBytes);
  const subject = new FrameDecoder({
    account: budget.open(() => {}),
    maxFrameBytes,
    sink: {
      onFrame: (type, channel, body) => {
        seen.push({ type, channel, body: [...body] });
        views.push(body);
        return seen.length < stopAfter;
      },
    },
  });
  return { subject, seen, views, budget };
}

function encode(frames: readonly Seen[]): Uint8Array {
  const batches: Uint8Array[] = [];
  const writer = new FrameWriter({
    slabs: new SlabPool(),
    headerRoomBytes: 0,
    out: (batch) => batches.push(batch),
  });
  for (const { type, channel, body } of frames) writer.frame(type, channel, Uint8Array.from(body));
  writer.flush();
  return new Uint8Array(Buffer.concat(batches));
}

/** Cuts bytes at the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [...places].map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...sorted].map((from, i) => bytes.slice(from, sorted[i] ?? bytes.length));
}

const frames = fc.array(
  fc.record({
    type: fc.nat(255),
    channel: fc.integer({ min: 0, max: 0xffff_ffff }),
    body: fc.array(fc.nat(255), { maxLength: 300 }),
  }),
  { maxLength: 20 },
);

describe("FrameDecoder", () => {
  test("gives back every frame, wherever the chunks end, and keeps no memory", () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 30 }), (sent, places) => {
        const { subject, seen, budget } = decoder();
        for (const chunk of cut(encode(sent), places)) {
          expect(subject.push(chunk)).toBeUndefined();
        }
        expect(seen).toEqual(sent);
        expect(budget.usedBytes).toBe(0);
      }),
    );
  });

  test("a frame inside a chunk is a view of it, one that spans chunks is not", () => {
    const bytes = encode([{ type: 1, channel: 2, body: [3, 4, 5] }]);
    const whole = decoder();
    whole.subject.push(bytes);
    expect(whole.views[0]?.buffer).toBe(bytes.buffer);
    const parts = decoder();
    for (const chunk of cut(bytes, [6])) parts.subject.push(chunk);
    expect(parts.views[0]?.buffer).not.toBe(bytes.buffer);
  });

  test("any bytes: a breach with a code or nothing, never a throw", () => {
    const bytes = fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 });
    fc.assert(
      fc.property(bytes, (chunks) => {
        const { subject, budget } = decoder(1_000, 500);
        for (const chunk of chunks) {
          const breach = subject.push(chunk);
          expect(["MALFORMED", "LIMIT_EXCEEDED", undefined]).toContain(breach?.code);
        }
        expect(budget.usedBytes).toBeLessThanOrEqual(500);
      }),
    );
  });

  test("right frames with some bytes changed: a breach or frames, never a throw", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(frames, changes, fc.array(fc.nat(), { maxLength: 8 }), (sent, edits, places) => {
        const bytes = encode(sent);
        for (const [place, byte] of edits) if (bytes.length > 0) bytes[place % bytes.length] = byte;
        const { subject } = decoder(1_000);
        for (const chunk of cut(bytes, places)) subject.push(chunk);
      }),
    );
  });

  test("a frame above the bound is refused by its length alone", () => {
    const { subject, seen } = decoder(100);
    expect(subject.push(Uint8Array.of(101, 0, 0, 0))).toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect(subject.push(encode([{ type: 1, channel: 1, body: [] }]))).toBeUndefined();
    expect(seen).toEqual([]);
  });

  test.each([0, 1])("a frame of %i bytes is refused, in one chunk and in two", (size) => {
    const bytes = Uint8Array.of(size, 0, 0, 0, 9);
    expect(decoder().subject.push(bytes)).toMatchObject({ code: "MALFORMED" });
    const parts = decoder().subject;
    parts.push(bytes.subarray(0, 2));
    expect(parts.push(bytes.subarray(2))).toMatchObject({ code: "MALFORMED" });
  });

  test("a channel that is no number is refused", () => {
    const bytes = Uint8Array.of(3, 0, 0, 0, 18, 0x80, 0x80);
    expect(decoder().subject.push(bytes)).toMatchObject({ code: "MALFORMED" });
  });

  test("without memory for the part of a frame: LIMIT_EXCEEDED", () => {
    const { subject } = decoder(100_000, 50);
    const bytes = encode([{ type: 1, channel: 1, body: Array(100).fill(0) }]);
    expect(subject.push(bytes.subarray(0, 30))).toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  test("a sink that wants no more gets no more", () => {
    const { subject, seen } = decoder(1_000, 1_000, 2);
    const frame = { type: 1, channel: 1, body: [1] };
    subject.push(encode([frame, frame, frame]));
    subject.push(encode([frame]));
    expect(seen).toHaveLength(2);
  });
});
