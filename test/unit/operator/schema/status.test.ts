import { expect, test } from "vitest";
import { capabilityStatus } from "../../../../operator/schema/capability-status.ts";
import { demandStatus } from "../../../../operator/schema/demand-status.ts";
import { withKnownConditions } from "../../../../operator/schema/status.ts";

const condition = {
  type: "Ready",
  status: "False",
  observedGeneration: 1,
  lastTransitionTime: "2026-01-01T00:00:00Z",
  reason: "NoPods",
  message: "",
};

test("an empty status has no conditions, and nothing else is made up", () => {
  expect(demandStatus.parse({})).toEqual({ conditions: [] });
  expect(capabilityStatus.parse({})).toEqual({ conditions: [] });
});

test("a count is whole and not below zero", () => {
  expect(demandStatus.safeParse({ queues: 0 }).success).toBe(true);
  expect(demandStatus.safeParse({ queues: -1 }).success).toBe(false);
  expect(demandStatus.safeParse({ queues: 1.5 }).success).toBe(false);
});

test("a field that is not of the status is refused", () => {
  expect(demandStatus.safeParse({ providers: 1 }).success).toBe(false);
  expect(capabilityStatus.safeParse({ queues: 1 }).success).toBe(false);
});

test("type and reason are words in the form of Kubernetes", () => {
  const parse = (over: object): boolean =>
    demandStatus.safeParse({ conditions: [{ ...condition, ...over }] }).success;
  expect(parse({})).toBe(true);
  expect(parse({ type: "ready" })).toBe(false);
  expect(parse({ reason: "" })).toBe(false);
  expect(parse({ status: "true" })).toBe(false);
});

test("conditions of a newer operator are left out, those of this version stay", () => {
  const status = demandStatus.parse({
    queues: 1,
    conditions: [condition, { ...condition, type: "Newer" }, { ...condition, reason: "Newer" }],
  });
  expect(withKnownConditions(status)).toEqual({ queues: 1, conditions: [condition] });
});
