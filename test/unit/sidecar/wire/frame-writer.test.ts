import { describe, expect, test } from "vitest";
import { frameType } from "../../../../sidecar/wire/frame.ts";
import { FrameWriter } from "../../../../sidecar/wire/frame-writer.ts";
import { SlabPool } from "../../../../sidecar/wire/slab-pool.ts";

function writer(slabBytes = 1_000, headerRoomBytes = 8) {
  const batches: Uint8Array[] = [];
  const subject = new FrameWriter({
    slabs: new SlabPool(slabBytes),
    headerRoomBytes,
    out: (batch) => batches.push(batch),
  });
  return { subject, batches };
}

describe("FrameWriter", () => {
  test("frames of a turn go out as one batch, byte for byte as laid out", () => {
    const { subject, batches } = writer();
    subject.frame(frameType.message, 5, Uint8Array.of(1, 2));
    subject.number(frameType.credit, 300, 131_072);
    subject.first(1, 300, Uint8Array.of(7));
    expect(batches).toEqual([]);
    expect(subject.pending).toBe(true);
    subject.flush();
    subject.flush();
    const expected = [
      [4, 0, 0, 0, 18, 5, 1, 2],
      [6, 0, 0, 0, 21, 0xac, 0x02, 0x80, 0x80, 0x08],
      [5, 0, 0, 0, 19, 1, 0xac, 0x02, 7],
    ].flat();
    expect(batches.map((batch) => [...batch])).toEqual([expected]);
    expect(subject.writtenBytes).toBe(expected.length);
    expect(subject.pending).toBe(false);
  });

  test("before each batch there is room, and no two pieces of memory are the same", () => {
    const { subject, batches } = writer(300, 16);
    for (let i = 0; i < 50; i++) {
      subject.frame(frameType.message, 1, new Uint8Array(40));
      if (i % 3 === 0) subject.flush();
    }
    subject.flush();
    const used = new Map<ArrayBufferLike, boolean[]>();
    for (const batch of batches) {
      const marks = used.get(batch.buffer) ?? [];
      used.set(batch.buffer, marks);
      expect(batch.byteOffset).toBeGreaterThanOrEqual(16);
      for (let at = batch.byteOffset - 16; at < batch.byteOffset + batch.length; at++) {
        expect(marks[at]).toBeUndefined();
        marks[at] = true;
      }
    }
    expect(used.size).toBeGreaterThan(1);
  });

  test("a batch that no slab can hold goes out in pieces, in order", () => {
    const { subject, batches } = writer(100);
    for (let i = 0; i < 20; i++) subject.frame(frameType.message, 1, Uint8Array.of(i));
    subject.frame(frameType.message, 1, new Uint8Array(5_000));
    subject.flush();
    const bytes = Buffer.concat(batches);
    expect(bytes.length).toBe(20 * 7 + 5_006);
    for (let i = 0; i < 20; i++) expect(bytes[i * 7 + 6]).toBe(i);
  });
});
