import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  RefusalCode,
  RefusalSchema,
} from "../../../../../proto/gen/spillway/control/v1/control_pb.ts";
import { Reconnect } from "../../../../../sidecar/core/control/reconnect.ts";

const worst = { next: () => 1 };

function leaderAt(leaderAddress: string) {
  return create(RefusalSchema, { code: RefusalCode.NOT_LEADER, leaderAddress });
}

describe("the next opening", () => {
  it("of a lost stream is at random within 5 s, so that not all come at once", () => {
    for (const part of [0, 0.3, 1]) {
      const reconnect = new Reconnect({ next: () => part });
      expect(reconnect.next(true, undefined).delayMs).toBe(part * 5_000);
    }
  });

  it("waits longer with each failure, up to 30 s", () => {
    const reconnect = new Reconnect(worst);
    const waits = Array.from({ length: 9 }, () => reconnect.next(false, undefined).delayMs);
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000]);
  });

  it("begins at the first wait again after a stream that held, not after one that flapped", () => {
    const reconnect = new Reconnect(worst);
    for (let failure = 0; failure < 4; failure++) reconnect.next(false, undefined);
    reconnect.held(500);
    expect(reconnect.next(true, undefined).delayMs).toBe(16_000);
    reconnect.held(20_000);
    expect(reconnect.next(true, undefined).delayMs).toBe(5_000);
  });

  it("goes to a named leader at once, three times in a row at most", () => {
    const reconnect = new Reconnect(worst);
    for (let hop = 0; hop < 3; hop++) {
      expect(reconnect.next(false, leaderAt("10.0.0.1:17079"))).toEqual({
        delayMs: 0,
        address: "10.0.0.1:17079",
      });
    }
    const gaveUp = reconnect.next(false, leaderAt("10.0.0.1:17079"));
    expect(gaveUp.address).toBeUndefined();
    expect(gaveUp.delayMs).toBeGreaterThan(0);
    expect(reconnect.next(false, leaderAt("10.0.0.2:17079")).address).toBe("10.0.0.2:17079");
  });

  it("asks the first address again when no leader is known", () => {
    const { address, delayMs } = new Reconnect(worst).next(false, leaderAt(""));
    expect([address, delayMs]).toEqual([undefined, 1_000]);
  });

  it("is not before what the operator asks for, and spread beyond it", () => {
    const retryAfter = { seconds: 20n, nanos: 0 };
    const refusal = create(RefusalSchema, { code: RefusalCode.REVIEW_LIMIT, retryAfter });
    expect(new Reconnect({ next: () => 0 }).next(false, refusal).delayMs).toBe(20_000);
    expect(new Reconnect(worst).next(false, refusal).delayMs).toBe(25_000);
  });

  it("after an operator that ended in order is within 500 ms, then in such steps for 10 s", () => {
    const stopping = create(RefusalSchema, { code: RefusalCode.STOPPING });
    const reconnect = new Reconnect(worst);
    expect(reconnect.next(true, stopping)).toEqual({ delayMs: 500, address: undefined });
    // The ones that are asked still name the one that is gone, then know none.
    expect(reconnect.next(false, leaderAt("10.0.0.1:17079")).delayMs).toBe(0);
    expect(reconnect.next(false, undefined)).toEqual({ delayMs: 500, address: undefined });
    const retryAfter = { seconds: 0n, nanos: 500_000_000 };
    const unknown = create(RefusalSchema, { code: RefusalCode.NOT_LEADER, retryAfter });
    let waitedMs = 500;
    for (; waitedMs < 10_000; waitedMs += 750) {
      expect(reconnect.next(false, unknown).delayMs).toBe(750);
    }
    expect(reconnect.next(false, unknown).delayMs).toBe(5_500);
    expect(reconnect.next(false, undefined).delayMs).toBe(2_000);
  });

  it("after an operator that ended in order is as after any loss once a stream was open again", () => {
    const reconnect = new Reconnect(worst);
    reconnect.next(true, create(RefusalSchema, { code: RefusalCode.STOPPING }));
    reconnect.held(500);
    expect(reconnect.next(true, undefined).delayMs).toBe(5_000);
  });

  it("after an operator that ended with many streams is as late and as spread as it asks for", () => {
    const retryAfter = { seconds: 1n, nanos: 0 };
    const stopping = create(RefusalSchema, { code: RefusalCode.STOPPING, retryAfter });
    const reconnect = new Reconnect(worst);
    expect(reconnect.next(true, stopping).delayMs).toBe(6_000);
    expect(reconnect.next(false, undefined).delayMs).toBe(2_000);
  });

  it("of a stream that another took the place of waits 5 s at least", () => {
    const refusal = create(RefusalSchema, { code: RefusalCode.REPLACED });
    expect(new Reconnect({ next: () => 0 }).next(true, refusal).delayMs).toBe(5_000);
  });
});
