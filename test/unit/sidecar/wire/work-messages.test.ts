import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ToDemand,
  ToDemandSchema,
  type ToProvider,
  ToProviderSchema,
} from "../../../../proto/gen/spillway/work/v1/work_pb.ts";
import { PayloadRoom } from "../../../../sidecar/wire/payload-room.ts";
import { decodeHotToDemand, decodeHotToProvider } from "../../../../sidecar/wire/work-decode.ts";
import { encodeHotToDemand, encodeHotToProvider } from "../../../../sidecar/wire/work-encode.ts";
import {
  decodeToDemand,
  decodeToProvider,
  encodeToDemand,
  encodeToProvider,
  workMessageLimits,
} from "../../../../sidecar/wire/work-messages.ts";

type ToDemandInit = MessageInitShape<typeof ToDemandSchema>;
type ToProviderInit = MessageInitShape<typeof ToProviderSchema>;

const room = new PayloadRoom();
const uint32 = fc.oneof(fc.constantFrom(0, 1, 127, 128, 16_384, 0xffff_ffff), fc.nat(0xffff_ffff));
const uint64 = fc.oneof(
  uint32.map(BigInt),
  fc.constantFrom(2n ** 32n, 2n ** 53n + 1n, 2n ** 64n - 1n),
);
const lease = fc.record({ sequence: uint64, delivery: uint32 });
const bytes = fc.uint8Array({ maxLength: 400 });
const text = fc.oneof(
  fc.stringMatching(/^[\w-]{0,60}$/),
  fc.string({ unit: "grapheme", maxLength: 20 }),
);
const leases = fc.array(lease, { maxLength: 5 });
const delivery = fc.record(
  { lease, ticket: text, request: bytes, attempt: uint32, deadlineMs: uint32, traceparent: text },
  { requiredKeys: [] },
);

const toDemand: fc.Arbitrary<ToDemand> = fc
  .oneof(
    fc.record({
      case: fc.constant("credit"),
      value: fc.record({ limit: uint64, revision: uint32 }),
    }),
    fc.record({ case: fc.constant("started"), value: fc.record({ leases }) }),
    fc.record({
      case: fc.constant("complete"),
      value: fc.record({ lease, result: bytes }, { requiredKeys: [] }),
    }),
    fc.record({ case: fc.constant("release"), value: fc.record({ lease, reason: text }) }),
  )
  .map((kind) => create(ToDemandSchema, { kind }));

const toProvider: fc.Arbitrary<ToProvider> = fc
  .oneof(
    fc.record({
      case: fc.constant("deliver"),
      value: fc.record({ items: fc.array(delivery, { maxLength: 5 }) }),
    }),
    fc.record({
      case: fc.constant("settled"),
      value: fc.record(
        { leases, status: fc.integer({ min: 0, max: 5 }), state: text },
        { requiredKeys: [] },
      ),
    }),
    fc.record({ case: fc.constant("backlog"), value: fc.record({ ready: uint32 }) }),
  )
  .map((kind) => create(ToProviderSchema, { kind } as ToProviderInit));

/** Bytes that nearly are a message: some changed, cut off, or put in. */
function broken(message: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.record({ place: fc.nat(), byte: fc.nat(255), kind: fc.nat(3) });
  return fc
    .tuple(message, fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([from, changes]) => {
      const out = [...from];
      for (const { place, byte, kind } of changes) {
        const at = place % (out.length + 1);
        if (kind === 0) out.splice(at, 1);
        else if (kind === 1) out.splice(at, 0, byte);
        else if (kind === 2) out.length = Math.min(out.length, Math.max(at, 1));
        else out[Math.min(at, out.length - 1)] = byte;
      }
      return Uint8Array.from(out);
    });
}

describe("work messages by hand", () => {
  test("a message of a provider has the bytes of the generated codec", () => {
    fc.assert(
      fc.property(toDemand, (message) => {
        expect(encodeToDemand(message)).toEqual(toBinary(ToDemandSchema, message));
      }),
    );
  });

  test("a message of a demand has the bytes of the generated codec", () => {
    fc.assert(
      fc.property(toProvider, (message) => {
        expect(encodeToProvider(message)).toEqual(toBinary(ToProviderSchema, message));
      }),
    );
  });

  test("a message is read as the generated codec reads it", () => {
    fc.assert(
      fc.property(toDemand, toProvider, (up, down) => {
        const [upBytes, downBytes] = [encodeToDemand(up), encodeToProvider(down)];
        const hotUp = decodeHotToDemand(upBytes, room);
        const hotDown = decodeHotToProvider(downBytes, room);
        if (hotUp !== undefined) expect(hotUp).toStrictEqual(fromBinary(ToDemandSchema, upBytes));
        if (hotDown !== undefined) {
          expect(hotDown).toStrictEqual(fromBinary(ToProviderSchema, downBytes));
        }
        expect(decodeToDemand(upBytes)).toEqual({ ok: true, value: up });
        expect(decodeToProvider(downBytes)).toEqual({ ok: true, value: down });
      }),
    );
  });

  test("bytes that are broken are never read otherwise than by the generated codec", () => {
    const upBytes = toDemand.map((message) => encodeToDemand(message));
    const downBytes = toProvider.map((message) => encodeToProvider(message));
    fc.assert(
      fc.property(broken(upBytes), broken(downBytes), (up, down) => {
        const hotUp = decodeHotToDemand(up, room);
        const hotDown = decodeHotToProvider(down, room);
        if (hotUp !== undefined) expect(hotUp).toStrictEqual(fromBinary(ToDemandSchema, up));
        if (hotDown !== undefined) {
          expect(hotDown).toStrictEqual(fromBinary(ToProviderSchema, down));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("what every item sends is written and read by hand", () => {
    const sent = { sequence: 70_000n, delivery: 1 };
    const payload = new Uint8Array(128).fill(7);
    const ups: ToDemandInit[] = [
      { kind: { case: "credit", value: { limit: 300n, revision: 9 } } },
      { kind: { case: "started", value: { leases: [sent, sent] } } },
      { kind: { case: "complete", value: { lease: sent, result: payload } } },
    ];
    const downs: ToProviderInit[] = [
      { kind: { case: "settled", value: { leases: [sent, sent], status: 1, state: "done" } } },
      {
        kind: {
          case: "deliver",
          value: { items: [{ lease: sent, ticket: "t-1", request: payload, attempt: 1 }] },
        },
      },
    ];
    for (const up of ups) {
      const written = encodeHotToDemand(create(ToDemandSchema, up));
      expect(decodeHotToDemand(written ?? new Uint8Array(), room)).toEqual(
        create(ToDemandSchema, up),
      );
    }
    for (const down of downs) {
      const written = encodeHotToProvider(create(ToProviderSchema, down));
      const read = decodeHotToProvider(written ?? new Uint8Array(), room);
      expect(read).toEqual(create(ToProviderSchema, down));
    }
  });

  test("a payload that was read outlives the bytes it came in", () => {
    const result = new Uint8Array(100).fill(3);
    const kind = {
      case: "complete",
      value: { lease: { sequence: 1n, delivery: 1 }, result },
    } as const;
    const came = encodeToDemand(create(ToDemandSchema, { kind }));
    const decoded = decodeToDemand(came);
    came.fill(0);
    expect(decoded).toEqual({ ok: true, value: create(ToDemandSchema, { kind }) });
  });

  test("what breaks a bound is refused, also when it was read by hand", () => {
    const items = Array.from({ length: workMessageLimits.deliveries + 1 }, () => ({
      lease: { sequence: 1n, delivery: 1 },
    }));
    const many = create(ToProviderSchema, { kind: { case: "deliver", value: { items } } });
    expect(decodeToProvider(encodeToProvider(many))).toEqual({
      ok: false,
      reason: "1001 items; at most 1000",
    });
    const ticket = "t".repeat(workMessageLimits.nameLength + 1);
    const long = create(ToProviderSchema, {
      kind: {
        case: "deliver",
        value: { items: [{ lease: { sequence: 1n, delivery: 1 }, ticket }] },
      },
    });
    expect(decodeToProvider(encodeToProvider(long))).toEqual({
      ok: false,
      reason: "ticket of 513 characters; at most 512",
    });
  });

  test("the sentence of an obstacle is bounded", () => {
    const detail = "x".repeat(workMessageLimits.sentenceLength + 1);
    const obstacle = create(ToDemandSchema, { kind: { case: "obstacle", value: { detail } } });
    expect(decodeToDemand(encodeToDemand(obstacle))).toEqual({
      ok: false,
      reason: "obstacle of 4097 characters; at most 4096",
    });
  });

  test("bytes that are no message are refused with a reason", () => {
    expect(decodeToDemand(Uint8Array.of(0x22, 0x05, 0x01))).toMatchObject({ ok: false });
    expect(decodeToProvider(Uint8Array.of(0x2a, 0x05, 0x01))).toMatchObject({ ok: false });
  });

  test("a kind of a later version is let through, for the engines to leave it be", () => {
    const later = Uint8Array.of(0xfa, 0x01, 0x01, 0x07);
    expect(decodeToDemand(later)).toMatchObject({ ok: true, value: { kind: { case: undefined } } });
    expect(decodeToProvider(later)).toMatchObject({
      ok: true,
      value: { kind: { case: undefined } },
    });
  });
});
