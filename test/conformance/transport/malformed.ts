import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { frameType } from "../../../sidecar/wire/frame.ts";
import { encodeHello } from "../../../sidecar/wire/session-messages.ts";
import { SessionOffer } from "../../../sidecar/wire/session-offer.ts";
import type { ByteLane, Carrier } from "../../../sidecar/transport/index.ts";
import type { Cluster, TestNode } from "./cluster.ts";
import type { HarnessFactory } from "./suite.ts";
import { withCluster } from "./with-cluster.ts";

/** Writes as the contract of a byte lane asks: with room before the view. */
function write(lane: ByteLane, bytes: Uint8Array): void {
  const room = lane.headerRoomBytes;
  const buffer = new Uint8Array(room + bytes.length);
  buffer.set(bytes, room);
  lane.write(buffer.subarray(room));
}

function frame(type: number, channel: number, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const bytes = new Uint8Array(6 + body.length);
  new DataView(bytes.buffer).setUint32(0, 2 + body.length, true);
  bytes[4] = type;
  bytes[5] = channel;
  bytes.set(body, 6);
  return bytes;
}

function prefixed(blob: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + blob.length);
  new DataView(bytes.buffer).setUint32(0, blob.length, true);
  bytes.set(blob, 4);
  return bytes;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

const offer = new SessionOffer();
const agreed = offer.agree(offer.blob);
const shared = agreed.ok ? agreed.agreed.shared : [];

function helloOf(nodeId: string): Uint8Array {
  const name = { clusterId: "test", namespace: "default", nodeId, incarnation: 1 };
  return frame(frameType.hello, 0, encodeHello({ ...name, negotiated: shared }));
}

/** A carrier whose owner speaks bytes, with an open session. */
async function openStranger(c: Cluster, to: TestNode): Promise<[Carrier, ByteLane, string[]]> {
  const carrier = await c.stranger(to);
  const [control, closes] = watch(carrier);
  write(control, concat(prefixed(offer.blob), helloOf("z")));
  await c.harness.until(() => to.accepted.length > 0, 2_000, "the session opens");
  return [carrier, control, closes];
}

function watch(carrier: Carrier): [ByteLane, string[]] {
  const closes: string[] = [];
  carrier.onClose(({ reason }) => closes.push(reason));
  const control = carrier.openLane();
  control.onBytes(() => {});
  return [control, closes];
}

/** What a peer writes on the control lane instead of a right opening. */
const badOpenings: readonly [string, Uint8Array][] = [
  ["an opening that is too long", Uint8Array.of(0xff, 0xff, 0xff, 0x7f)],
  ["an empty opening", prefixed(new Uint8Array(0))],
  ["an opening that is nonsense", prefixed(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9))],
  ["a HELLO that cannot be read", concat(prefixed(offer.blob), frame(1, 0, Uint8Array.of(0xff)))],
  ["a ping before HELLO", concat(prefixed(offer.blob), frame(3, 0, new Uint8Array(4)))],
  ["an unknown frame", concat(prefixed(offer.blob), frame(99, 0))],
  ["a data frame on the control lane", concat(prefixed(offer.blob), frame(18, 1))],
  ["a frame of no bytes", concat(prefixed(offer.blob), new Uint8Array(4))],
  ["a frame above the bound", concat(prefixed(offer.blob), Uint8Array.of(0, 0, 2, 0, 1))],
];

/** What a peer writes on a data lane of an open session. */
const badFrames: readonly [string, string, Uint8Array][] = [
  ["a frame above the negotiated bound", "LIMIT_EXCEEDED", Uint8Array.of(1, 0, 16, 0, 18)],
  ["a frame of one byte", "MALFORMED", Uint8Array.of(1, 0, 0, 0, 18)],
  ["a channel that is no number", "MALFORMED", Uint8Array.of(3, 0, 0, 0, 18, 0x80, 0x80)],
  ["an unknown type", "MALFORMED", frame(77, 0)],
  ["a control frame", "MALFORMED", frame(frameType.ping, 0, new Uint8Array(4))],
  ["a message on a channel that was never opened", "MALFORMED", frame(frameType.message, 5)],
  ["an opening of one of our channels", "MALFORMED", frame(frameType.open, 2)],
  ["a channel opened twice", "MALFORMED", concat(frame(16, 1), frame(16, 1))],
  ["channels opened out of order", "MALFORMED", concat(frame(16, 3), frame(16, 1))],
  ["an opening with a body", "MALFORMED", frame(16, 1, new Uint8Array(1))],
  ["the end of channel 0", "MALFORMED", frame(frameType.close, 0)],
  ["credit that was never used", "MALFORMED", frame(frameType.credit, 0, Uint8Array.of(1))],
  ["credit of nothing", "MALFORMED", frame(frameType.credit, 0, Uint8Array.of(0))],
  ["a later segment without a first", "MALFORMED", frame(frameType.next, 0, new Uint8Array(9))],
  ["a first segment without a size", "MALFORMED", frame(frameType.first, 0)],
  ["a first segment that is everything", "MALFORMED", frame(19, 0, Uint8Array.of(2, 1, 1))],
  [
    "a message above the bound",
    "LIMIT_EXCEEDED",
    frame(19, 0, Uint8Array.of(0x81, 0x80, 0x80, 0x08, 1)),
  ],
  [
    "a segment that is too long",
    "MALFORMED",
    concat(frame(19, 0, Uint8Array.of(3, 1)), frame(20, 0, new Uint8Array(3))),
  ],
  [
    "a message inside another",
    "MALFORMED",
    concat(frame(19, 0, Uint8Array.of(3, 1)), frame(frameType.message, 0)),
  ],
];

export function describeMalformed(create: HarnessFactory): void {
  describe("what no peer sends", () => {
    const cluster = withCluster(create);

    for (const [what, bytes] of badOpenings) {
      test(`${what} ends the connection, and the node goes on`, async () => {
        const c = await cluster();
        const b = await c.node("b");
        const [control, closes] = watch(await c.stranger(b));
        write(control, bytes);
        await c.harness.until(() => closes.length === 1, 2_000, "the connection ends");
        expect(b.accepted).toEqual([]);
        expect(await c.dial(await c.node("a"), b)).toBeDefined();
      });
    }

    test("a peer that says nothing is cut off after 5 s: OPEN_TIMEOUT", async () => {
      const c = await cluster();
      const b = await c.node("b");
      const [, closes] = watch(await c.stranger(b));
      await c.harness.until(() => closes.length === 1, 6_500, "the connection ends");
      expect(b.accepted).toEqual([]);
    });

    test("a HELLO with another result: NEGOTIATION_MISMATCH", async () => {
      const c = await cluster();
      const b = await c.node("b");
      const [control, closes] = watch(await c.stranger(b));
      const name = { clusterId: "test", namespace: "default", nodeId: "z", incarnation: 1 };
      const negotiated = shared.map(({ name: capability }) => ({
        name: capability,
        value: Uint8Array.of(9, 9, 9, 9),
      }));
      const goodbyes: string[] = [];
      control.onBytes((chunk) => goodbyes.push(Buffer.from(chunk).toString("latin1")));
      write(control, prefixed(offer.blob));
      write(control, frame(frameType.hello, 0, encodeHello({ ...name, negotiated })));
      await c.harness.until(() => closes.length === 1, 2_000, "the connection ends");
      expect(goodbyes.join("")).toContain("NEGOTIATION_MISMATCH");
    });

    for (const [what, code, bytes] of badFrames) {
      test(`${what} on a data lane: ${code}`, async () => {
        const c = await cluster();
        const b = await c.node("b");
        const [carrier] = await openStranger(c, b);
        b.accepted[0]?.onLane((lane) => lane.onMessage(() => {}));
        write(carrier.openLane(), bytes);
        await c.harness.until(() => b.ends.length === 1, 2_000, "the session ends");
        expect(b.ends).toMatchObject([{ code }]);
      });
    }

    test("more than credit was given for: LIMIT_EXCEEDED", async () => {
      const c = await cluster();
      const b = await c.node("b");
      const [carrier] = await openStranger(c, b);
      const lane = carrier.openLane();
      // Nobody listens at b, so nothing is consumed.
      for (let i = 0; i < 5; i++) write(lane, frame(18, 0, new Uint8Array(100)));
      await c.harness.elapse(20);
      expect(b.ends).toEqual([]);
      for (let i = 0; i < 5; i++) {
        const big = new Uint8Array(6 + 65_536);
        new DataView(big.buffer).setUint32(0, 2 + 65_536, true);
        big[4] = frameType.message;
        write(lane, big);
      }
      await c.harness.until(() => b.ends.length === 1, 2_000, "the session ends");
      expect(b.ends).toMatchObject([{ code: "LIMIT_EXCEEDED" }]);
    });

    test("more lanes than the bound: LIMIT_EXCEEDED", async () => {
      const c = await cluster();
      const b = await c.node("b");
      const [carrier] = await openStranger(c, b);
      for (let i = 0; i < 9; i++) write(carrier.openLane(), frame(18, 0));
      await c.harness.until(() => b.ends.length === 1, 2_000, "the session ends");
      expect(b.ends).toMatchObject([{ code: "LIMIT_EXCEEDED" }]);
    });

    test("a data lane before HELLO: MALFORMED", async () => {
      const c = await cluster();
      const b = await c.node("b");
      const carrier = await c.stranger(b);
      const [control, closes] = watch(carrier);
      write(control, prefixed(offer.blob));
      write(carrier.openLane(), frame(18, 0));
      await c.harness.until(() => closes.length === 1, 2_000, "the connection ends");
      expect(b.accepted).toEqual([]);
    });

    test("right frames with changed bytes end the session with a code or leave it be", async () => {
      const c = await cluster();
      const b = await c.node("b");
      const right = concat(
        frame(frameType.open, 1),
        frame(frameType.message, 1, new Uint8Array(20)),
        frame(frameType.first, 0, Uint8Array.of(30, ...new Uint8Array(10))),
        frame(frameType.next, 0, new Uint8Array(20)),
        frame(frameType.close, 1),
      );
      const edits = fc.array(fc.tuple(fc.nat(right.length - 1), fc.nat(255)), { maxLength: 4 });
      const codes = ["MALFORMED", "LIMIT_EXCEEDED"];
      await fc.assert(
        fc.asyncProperty(edits, async (changes) => {
          b.accepted.length = 0;
          b.ends.length = 0;
          const [carrier] = await openStranger(c, b);
          b.accepted[0]?.onLane((lane) => lane.onMessage(() => {}));
          const bytes = right.slice();
          for (const [place, byte] of changes) bytes[place] = byte;
          write(carrier.openLane(), bytes);
          await c.harness.elapse(10);
          for (const { code } of b.ends) expect(codes).toContain(code);
          carrier.close("next");
          await c.harness.until(() => b.ends.length === 1, 2_000, "the session ends");
        }),
        { numRuns: 40 },
      );
      expect(await c.dial(await c.node("a"), b)).toBeDefined();
    });

    test("a flood of pings gets answers, and the session goes on", async () => {
      const c = await cluster();
      const b = await c.node("b");
      const [carrier, control] = await openStranger(c, b);
      for (let i = 0; i < 5_000; i++) write(control, frame(frameType.ping, 0, new Uint8Array(4)));
      await c.harness.elapse(50);
      expect(b.ends).toEqual([]);
      carrier.close("over");
    });

    test("any bytes on either lane end the session with a code or leave it be", async () => {
      const c = await cluster();
      const b = await c.node("b");
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, onData) => {
          b.accepted.length = 0;
          b.ends.length = 0;
          const [carrier, control] = await openStranger(c, b);
          write(onData ? carrier.openLane() : control, bytes);
          await c.harness.elapse(10);
          for (const end of b.ends) expect(end.code).toMatch(/^[A-Z_]+$/);
          carrier.close("next");
          await c.harness.until(() => b.ends.length === 1, 2_000, "the session ends");
        }),
        { numRuns: 40 },
      );
      expect(await c.dial(await c.node("a"), b)).toBeDefined();
    });
  });
}
