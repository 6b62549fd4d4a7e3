import { describe, expect, it } from "vitest";
import { silentLogger } from "../../../../../sidecar/runtime/index.ts";
import { type Refusal, Refusals } from "../../../../../sidecar/transport/webtransport/refusal.ts";

const refusal: Refusal = { code: "TLS_FAILED", reason: "no handshake", address: "10.0.0.1:7" };

describe("Refusals", () => {
  it("counts each code and tells each refusal", () => {
    const told: Refusal[] = [];
    const refusals = new Refusals(silentLogger, (one) => told.push(one));
    refusals.add(refusal);
    refusals.add({ ...refusal, code: "OPEN_TIMEOUT" });
    refusals.add(refusal);
    expect(refusals.counts()).toMatchObject({ TLS_FAILED: 2, OPEN_TIMEOUT: 1, MALFORMED: 0 });
    expect(told).toHaveLength(3);
  });

  it("logs code, sentence and address, and no more than 60 lines a minute", () => {
    const lines: unknown[] = [];
    const refusals = new Refusals({ ...silentLogger, warn: (fields) => lines.push(fields) });
    for (let index = 0; index < 200; index += 1) refusals.add(refusal);
    expect(lines[0]).toEqual(refusal);
    // A minute may turn meanwhile.
    expect(lines.length).toBeGreaterThanOrEqual(60);
    expect(lines.length).toBeLessThanOrEqual(120);
    expect(refusals.counts()["TLS_FAILED"]).toBe(200);
  });
});
