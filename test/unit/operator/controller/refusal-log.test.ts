import { expect, test } from "vitest";
import { type Refusal, RefusalLog } from "../../../../operator/controller/refusal-log.ts";
import { FakeTime } from "../../../support/fake-time.ts";

function rig() {
  const time = new FakeTime();
  const lines: unknown[] = [];
  const line = (fields: unknown, sentence: string) => lines.push([sentence, fields]);
  const log = { info: line, warn: line, error: line };
  return { time, lines, refusals: new RefusalLog({ timers: time, log }) };
}

const refusal = (name: string, over: Partial<Refusal> = {}): Refusal => ({
  level: "warn",
  kind: "Demand",
  code: "FORBIDDEN",
  fields: { name },
  sentence: "no",
  ...over,
});

const said = (name: string, count: number) => [
  "no",
  { kind: "Demand", code: "FORBIDDEN", count, name },
];

test("of 10,000 refusals alike the first is said at once, the others in one line a minute", async () => {
  const { time, lines, refusals } = rig();
  for (let index = 0; index < 10_000; index += 1) refusals.note(refusal(`demand-${index}`));
  expect(lines).toEqual([said("demand-0", 1)]);
  await time.elapse(59_999);
  expect(lines).toHaveLength(1);
  await time.elapse(1);
  expect(lines.slice(1)).toEqual([said("demand-9999", 9_999)]);
  refusals.note(refusal("later"));
  await time.elapse(60_000);
  expect(lines.slice(2)).toEqual([said("later", 1)]);
});

test("after a minute without any the next is said at once, and no timer is left", async () => {
  const { time, lines, refusals } = rig();
  refusals.note(refusal("a"));
  await time.elapse(60_000);
  expect(time.timerCount).toBe(0);
  refusals.note(refusal("b"));
  expect(lines).toEqual([said("a", 1), said("b", 1)]);
});

test("another kind, code or sentence is another matter", () => {
  const { lines, refusals } = rig();
  refusals.note(refusal("a"));
  refusals.note(refusal("a", { kind: "Capability" }));
  refusals.note(refusal("a", { code: "INVALID" }));
  refusals.note(refusal("a", { sentence: "never" }));
  expect(lines).toHaveLength(4);
});

test("the end says what is not said yet, and leaves no timer", () => {
  const { time, lines, refusals } = rig();
  for (const name of ["a", "b", "c"]) refusals.note(refusal(name));
  refusals.end();
  expect(lines).toEqual([said("a", 1), said("c", 2)]);
  expect(time.timerCount).toBe(0);
});
