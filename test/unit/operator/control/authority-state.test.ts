import { describe, expect, test } from "vitest";
import {
  type AuthorityState,
  bundleOf,
  decodeAuthority,
  defaultRotationPolicy,
  encodeAuthority,
  planRotation,
} from "../../../../operator/control/authority-state.ts";
import { createAuthority } from "../../../../sidecar/runtime/certificate.ts";

const nowMs = Date.UTC(2026, 10, 21);
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const policy = defaultRotationPolicy;

const [current, next] = await Promise.all(
  [0, 1].map(() => createAuthority({ clusterId: "c", nowMs, validForMs: policy.authorityLifeMs })),
);
if (current === undefined || next === undefined) throw new Error("no authorities");
const announcementSecret = Buffer.alloc(32, 7).toString("base64");
const alone: AuthorityState = { current, announcementSecret };
const prepared: AuthorityState = { ...alone, next: { ...next, sinceMs: nowMs } };
const promoted: AuthorityState = {
  current: next,
  previous: { certificatePem: current.certificatePem, untilMs: nowMs + 25 * hourMs },
  announcementSecret,
};

describe("what is due", () => {
  test.each([
    ["nothing for eight months", alone, 239 * dayMs, "none"],
    ["then the next one", alone, 240 * dayMs, "prepare"],
    ["which does not sign for a day", prepared, dayMs - 1, "none"],
    ["then does", prepared, dayMs, "promote"],
    ["the previous one is trusted for 25 h", promoted, 25 * hourMs - 1, "none"],
    ["then dropped", promoted, 25 * hourMs, "drop"],
    ["an authority that ends is replaced at once", alone, 364 * dayMs, "replace"],
  ] as const)("%s", (_, state, afterMs, step) => {
    expect(planRotation(state, policy, nowMs + afterMs).step).toBe(step);
  });

  test("one rotation at a time: the next one waits while leaves of the previous one may live", () => {
    const both: AuthorityState = { ...promoted, next: { ...next, sinceMs: nowMs - 30 * dayMs } };
    expect(planRotation(both, policy, nowMs).step).toBe("none");
    expect(planRotation(both, policy, nowMs + 25 * hourMs).step).toBe("drop");
  });

  test("it says when to ask again", () => {
    expect(planRotation(prepared, policy, nowMs).againAtMs).toBe(nowMs + dayMs);
    expect(planRotation(promoted, policy, nowMs).againAtMs).toBe(nowMs + 25 * hourMs);
  });

  test("its times fit the lives of leaves and the absence of an operator", () => {
    const leafLifeMs = dayMs;
    const absenceMs = 16 * hourMs;
    expect(policy.overlapMs).toBeGreaterThan(absenceMs);
    expect(policy.trustPreviousMs).toBeGreaterThan(leafLifeMs);
    expect(policy.rotateAfterMs + policy.overlapMs + policy.trustPreviousMs).toBeLessThan(
      policy.authorityLifeMs,
    );
  });
});

test("the bundle holds all that are trusted, the one that signs first", () => {
  expect(bundleOf(prepared)).toBe(current.certificatePem + next.certificatePem);
  expect(bundleOf(promoted)).toBe(next.certificatePem + current.certificatePem);
});

test.each([
  ["alone", alone],
  ["prepared", prepared],
  ["promoted", promoted],
])("what the Secret holds is read back as it was written: %s", (_, state) => {
  expect(decodeAuthority(encodeAuthority(state))).toEqual(state);
});

test.each([
  ["current.crt", undefined],
  ["current.crt", "nonsense"],
  ["current.crt", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"],
  ["current.key", "nonsense-key"],
  ["next.since", "yesterday"],
  ["next.key", undefined],
  ["announcement.key", "c2hvcnQ="],
])("a Secret whose %s is %s is refused by the key's name, without its value", (key, value) => {
  const data: Record<string, string> = encodeAuthority(prepared);
  if (value === undefined) delete data[key];
  else data[key] = value;
  const decode = () => decodeAuthority(data);
  expect(decode).toThrow(`data["${key}"]`);
  if (value !== undefined) expect(decode).not.toThrow(value);
});
