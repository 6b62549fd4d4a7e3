import { describe, expect, it } from "vitest";
import { CertificateRenewal } from "../../../../../sidecar/core/control/certificate-renewal.ts";

describe("the renewal of a certificate", () => {
  it("is due at once without one, and only once until there is an answer", () => {
    const renewal = new CertificateRenewal(-Infinity);
    expect(renewal.take(0)).toBe(true);
    expect(renewal.take(29_999)).toBe(false);
    expect(renewal.take(30_000)).toBe(true);
  });

  it("is due when the operator said", () => {
    const renewal = new CertificateRenewal(-Infinity);
    renewal.take(0);
    renewal.renewed(8 * 3_600_000, 1_000);
    expect(renewal.nextDeadlineMs()).toBe(8 * 3_600_000 + 1_000);
    expect(renewal.take(8 * 3_600_000)).toBe(false);
    expect(renewal.take(8 * 3_600_000 + 1_000)).toBe(true);
  });

  it("waits after a refusal as long as is asked for, 5 s at least", () => {
    const renewal = new CertificateRenewal(-Infinity);
    renewal.take(0);
    renewal.failed(0, 100);
    expect(renewal.nextDeadlineMs()).toBe(5_100);
    renewal.failed(60_000, 100);
    expect(renewal.nextDeadlineMs()).toBe(60_100);
  });

  it("is due at once when the operator wants one", () => {
    const renewal = new CertificateRenewal(-Infinity);
    renewal.renewed(1_000_000, 0);
    renewal.wanted(5);
    expect(renewal.take(5)).toBe(true);
  });

  it("is asked for again on the next stream, but one that rests goes on resting", () => {
    const renewal = new CertificateRenewal(-Infinity);
    renewal.take(0);
    renewal.streamLost(10);
    expect(renewal.take(10)).toBe(true);
    renewal.renewed(1_000, 20);
    renewal.streamLost(30);
    expect(renewal.nextDeadlineMs()).toBe(1_020);
  });
});
