import { describe, expect, test } from "vitest";
import { Liveness, sessionTiming } from "../../../../sidecar/wire/liveness.ts";

describe("Liveness", () => {
  test("a ping is due at once and then every heartbeat, each with a new number", () => {
    const subject = new Liveness(sessionTiming, 100);
    expect(subject.duePing(100)).toBe(1);
    expect(subject.duePing(1_099)).toBeUndefined();
    expect(subject.duePing(1_100)).toBe(2);
  });

  test("silence for three heartbeats is death, a frame in between is not", () => {
    const subject = new Liveness(sessionTiming, 0);
    for (let nowMs = 0; nowMs < 3_000; nowMs += 100) {
      expect(subject.dead(nowMs)).toBe(false);
      subject.duePing(nowMs);
    }
    expect(subject.dead(3_000)).toBe(true);
    subject.heard(2_999);
    expect(subject.dead(3_000)).toBe(false);
  });

  test("after this process stood still the peer gets a heartbeat to be heard", () => {
    const subject = new Liveness(sessionTiming, 0);
    subject.duePing(0);
    expect(subject.dead(10_000)).toBe(false);
    subject.duePing(10_000);
    expect(subject.dead(10_999)).toBe(false);
    expect(subject.dead(11_000)).toBe(true);
  });

  test("the round trip is an average that leans to the past, as RFC 6298 has it", () => {
    const subject = new Liveness(sessionTiming, 0);
    subject.answered(subject.duePing(0) ?? 0, 8);
    expect(subject.rttMs).toBe(8);
    subject.answered(subject.duePing(1_000) ?? 0, 1_016);
    expect(subject.rttMs).toBe(9);
  });

  test("an answer to nothing, an old one and a second one change nothing", () => {
    const subject = new Liveness(sessionTiming, 0);
    subject.answered(1, 5);
    subject.answered(0xffff_ffff, 5);
    expect(subject.rttMs).toBeUndefined();
    const number = subject.duePing(0) ?? 0;
    subject.answered(number, 10);
    subject.answered(number, 900);
    expect(subject.rttMs).toBe(10);
    for (let beat = 1; beat <= 9; beat++) subject.duePing(beat * 1_000);
    subject.answered(2, 9_001);
    expect(subject.rttMs).toBe(10);
  });
});
