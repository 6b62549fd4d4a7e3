import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { frameType } from "../../../../sidecar/wire/frame.ts";
import { sessionTiming } from "../../../../sidecar/wire/liveness.ts";
import { decodeGoodbye, encodeHello } from "../../../../sidecar/wire/session-messages.ts";
import { SessionOffer } from "../../../../sidecar/wire/session-offer.ts";
import {
  type SessionEffect,
  type SessionInput,
  SessionProtocol,
} from "../../../../sidecar/wire/session-protocol.ts";

const offer = new SessionOffer();
const agreed = offer.agree(offer.blob);
const negotiated = agreed.ok ? agreed.agreed.shared : [];

function side(nodeId: string, peerId: string, dialled: boolean): SessionProtocol {
  const name = { clusterId: "c", namespace: "n" };
  return new SessionProtocol({
    dialled,
    local: { ...name, nodeId, incarnation: 1 },
    certificate: { ...name, nodeId: peerId },
    ...(dialled ? { expectedNodeId: peerId } : {}),
    offer,
    timing: sessionTiming,
    nowMs: 0,
  });
}

function hello(nodeId: string): SessionInput {
  const name = { clusterId: "c", namespace: "n", nodeId, incarnation: 1 };
  return { type: "frame", frameType: frameType.hello, body: encodeHello({ ...name, negotiated }) };
}

/** Types of effects; frames by their number. */
function kinds(effects: readonly SessionEffect[]): string[] {
  return effects.map((effect) =>
    effect.type === "send-frame" ? `frame ${effect.frameType}` : effect.type,
  );
}

function ended(effects: readonly SessionEffect[]): SessionEffect | undefined {
  return effects.find((effect) => effect.type === "ended");
}

function open(dialled = true): SessionProtocol {
  const subject = side("a", "b", dialled);
  subject.handle({ type: "start" }, 0);
  subject.handle({ type: "blob", blob: offer.blob }, 0);
  subject.handle(hello("b"), 0);
  subject.handle({ type: "admitted" }, 0);
  expect(subject.open).toBe(true);
  return subject;
}

describe("opening", () => {
  test("the dialler says HELLO first, the acceptor once the dialler is proven and wanted", () => {
    const dialler = side("a", "b", true);
    expect(kinds(dialler.handle({ type: "start" }, 0))).toEqual(["send-blob"]);
    expect(kinds(dialler.handle({ type: "blob", blob: offer.blob }, 1))).toEqual(["frame 1"]);
    expect(kinds(dialler.handle(hello("b"), 2))).toEqual(["identified"]);
    expect(kinds(dialler.handle({ type: "admitted" }, 2))).toEqual(["opened", "frame 3"]);
    const acceptor = side("b", "a", false);
    expect(kinds(acceptor.handle({ type: "start" }, 0))).toEqual(["send-blob"]);
    expect(kinds(acceptor.handle({ type: "blob", blob: offer.blob }, 1))).toEqual([]);
    expect(kinds(acceptor.handle(hello("a"), 2))).toEqual(["identified"]);
    const effects = acceptor.handle({ type: "admitted" }, 2);
    expect(kinds(effects)).toEqual(["frame 1", "opened", "frame 3"]);
  });

  test("a session that is not wanted is refused with the given code", () => {
    const subject = side("b", "a", false);
    subject.handle({ type: "blob", blob: offer.blob }, 0);
    subject.handle(hello("a"), 0);
    const effects = subject.handle({ type: "close", code: "DUPLICATE_SESSION", reason: "r" }, 0);
    expect(ended(effects)).toMatchObject({ code: "DUPLICATE_SESSION", clean: true });
    expect(subject.handle({ type: "admitted" }, 0)).toEqual([]);
    expect(subject.open).toBe(false);
  });

  test.each([
    ["advertisement", 0],
    ["HELLO", 1],
  ])("without %s in 5 s: OPEN_TIMEOUT", (_what, steps) => {
    const subject = side("a", "b", true);
    subject.handle({ type: "start" }, 0);
    if (steps > 0) subject.handle({ type: "blob", blob: offer.blob }, 0);
    expect(subject.nextDeadlineMs()).toBe(5_000);
    expect(subject.advance(4_999)).toEqual([]);
    expect(ended(subject.advance(5_000))).toMatchObject({ code: "OPEN_TIMEOUT" });
  });

  test.each([
    ["another node than the certificate's", { nodeId: "x" }],
    ["another namespace", { namespace: "x" }],
    ["another cluster", { clusterId: "x" }],
  ])("%s in HELLO: IDENTITY_MISMATCH", (_what, change) => {
    const subject = side("a", "b", true);
    subject.handle({ type: "blob", blob: offer.blob }, 0);
    const name = { clusterId: "c", namespace: "n", nodeId: "b", incarnation: 1, ...change };
    const body = encodeHello({ ...name, negotiated });
    const effects = subject.handle({ type: "frame", frameType: frameType.hello, body }, 0);
    expect(ended(effects)).toMatchObject({ code: "IDENTITY_MISMATCH", clean: true });
  });

  test("a certificate and HELLO of another cluster than ours: IDENTITY_MISMATCH", () => {
    const other = { clusterId: "other", namespace: "n", nodeId: "b" };
    const subject = new SessionProtocol({
      dialled: false,
      local: { clusterId: "c", namespace: "n", nodeId: "a", incarnation: 1 },
      certificate: other,
      offer,
      timing: sessionTiming,
      nowMs: 0,
    });
    subject.handle({ type: "blob", blob: offer.blob }, 0);
    const body = encodeHello({ ...other, incarnation: 1, negotiated });
    const effects = subject.handle({ type: "frame", frameType: frameType.hello, body }, 0);
    expect(ended(effects)).toMatchObject({ code: "IDENTITY_MISMATCH" });
  });

  test("a loss before the end of the opening is a loss", () => {
    const subject = side("a", "b", true);
    const effects = subject.handle({ type: "lost", reason: "reset" }, 0);
    expect(effects).toEqual([
      { type: "ended", code: "TRANSPORT_LOST", reason: "reset", clean: false },
    ]);
    expect(subject.nextDeadlineMs()).toBe(Infinity);
  });
});

describe("an open session", () => {
  test("pings every second and ends after three of silence, without GOODBYE", () => {
    const subject = open();
    expect(kinds(subject.advance(1_000))).toEqual(["frame 3"]);
    expect(kinds(subject.advance(2_000))).toEqual(["frame 3"]);
    const effects = subject.advance(3_000);
    expect(kinds(effects)).toEqual(["ended", "disconnect"]);
    expect(ended(effects)).toMatchObject({ code: "HEARTBEAT_TIMEOUT", clean: false });
  });

  test("any frame keeps it alive", () => {
    const subject = open();
    for (let nowMs = 500; nowMs < 20_000; nowMs += 500) {
      subject.heard(nowMs);
      expect(ended(subject.advance(nowMs))).toBeUndefined();
    }
  });

  test("answers a ping with its number and measures its own", () => {
    const subject = open();
    const body = Uint8Array.of(9, 8, 7, 6);
    expect(subject.handle({ type: "frame", frameType: frameType.ping, body }, 5)).toEqual([
      { type: "send-frame", frameType: frameType.pong, body },
    ]);
    const pong = Uint8Array.of(1, 0, 0, 0);
    expect(subject.handle({ type: "frame", frameType: frameType.pong, body: pong }, 12)).toEqual(
      [],
    );
    expect(subject.rttMs).toBe(12);
  });

  test("GOODBYE of the peer is a clean end", () => {
    const subject = open();
    const other = open(false);
    const effects = other.handle({ type: "close", code: "DRAINING", reason: "leaving" }, 9);
    const goodbye = effects.find((effect) => effect.type === "send-frame");
    if (goodbye?.type !== "send-frame") throw new Error("no GOODBYE");
    expect(decodeGoodbye(goodbye.body)).toEqual({ code: "DRAINING", reason: "leaving" });
    const end = subject.handle({ ...goodbye, type: "frame" }, 9);
    expect(kinds(end)).toEqual(["ended", "disconnect"]);
    expect(ended(end)).toMatchObject({ code: "DRAINING", reason: "leaving", clean: true });
  });

  test("after its own GOODBYE it waits for the peer to cut, at most half a second", () => {
    const subject = open();
    const effects = subject.handle({ type: "close", code: "IDLE", reason: "" }, 100);
    expect(kinds(effects)).toEqual(["frame 2", "ended"]);
    expect(subject.nextDeadlineMs()).toBe(600);
    expect(subject.handle({ type: "close", code: "IDLE", reason: "" }, 100)).toEqual([]);
    expect(subject.advance(599)).toEqual([]);
    expect(kinds(subject.advance(600))).toEqual(["disconnect"]);
    expect(subject.advance(9_999)).toEqual([]);
  });

  test.each([
    [
      "a second HELLO",
      frameType.hello,
      encodeHello({
        clusterId: "c",
        namespace: "n",
        nodeId: "b",
        incarnation: 1,
        negotiated,
      }),
    ],
    ["a ping of 3 bytes", frameType.ping, new Uint8Array(3)],
    ["a GOODBYE that is none", frameType.goodbye, Uint8Array.of(0xff)],
    ["a data frame", frameType.message, new Uint8Array(0)],
  ])("%s: MALFORMED", (_what, type, body) => {
    const effects = open().handle({ type: "frame", frameType: type, body }, 0);
    expect(ended(effects)).toMatchObject({ code: "MALFORMED", clean: true });
  });
});

test("whatever comes in whichever order: at most one end, and never a throw", () => {
  const input = fc.oneof(
    fc.constant<SessionInput>({ type: "start" }),
    fc.constant<SessionInput>({ type: "blob", blob: offer.blob }),
    fc.uint8Array().map((blob): SessionInput => ({ type: "blob", blob })),
    fc.constant(hello("b")),
    fc.constant<SessionInput>({ type: "admitted" }),
    fc.constant<SessionInput>({ type: "lost", reason: "" }),
    fc.constant<SessionInput>({ type: "close", code: "IDLE", reason: "" }),
    fc
      .tuple(fc.nat(6), fc.uint8Array({ maxLength: 8 }))
      .map(([type, body]): SessionInput => ({ type: "frame", frameType: type, body })),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(input, fc.nat(2_000))), fc.boolean(), (steps, dialled) => {
      const subject = side("a", "b", dialled);
      let nowMs = 0;
      let ends = 0;
      for (const [step, passedMs] of steps) {
        nowMs += passedMs;
        for (const effects of [subject.handle(step, nowMs), subject.advance(nowMs)]) {
          ends += effects.filter(({ type }) => type === "ended").length;
        }
        expect(subject.nextDeadlineMs()).toBeGreaterThan(nowMs - 1);
      }
      expect(ends).toBeLessThanOrEqual(1);
    }),
    { numRuns: 500 },
  );
});
