import { describe, expect, it } from "vitest";
import { PendingCalls } from "../../../../sidecar/node/pending-calls.ts";

describe("PendingCalls", () => {
  it("hands each reply to its caller, once", async () => {
    const calls = new PendingCalls<string>();
    const one = calls.open();
    const two = calls.open();
    expect(one.call).not.toBe(two.call);
    expect(calls.answer(two.call, "second")).toBe(true);
    expect(calls.answer(one.call, "first")).toBe(true);
    expect(calls.answer(one.call, "again")).toBe(false);
    expect(await Promise.all([one.answer, two.answer])).toEqual(["first", "second"]);
  });

  it("answers with undefined and tells the engine when the caller goes away", async () => {
    const calls = new PendingCalls<string>();
    const gone: number[] = [];
    const abort = new AbortController();
    const { call, answer } = calls.open(abort.signal, (left) => gone.push(left));
    abort.abort();
    expect(await answer).toBeUndefined();
    expect(gone).toEqual([call]);
    expect(calls.answer(call, "late")).toBe(false);
  });

  it("does not tell the engine of a caller that went away after the reply", async () => {
    const calls = new PendingCalls<string>();
    const gone: number[] = [];
    const abort = new AbortController();
    const { call, answer } = calls.open(abort.signal, (left) => gone.push(left));
    calls.answer(call, "in time");
    abort.abort();
    expect(await answer).toBe("in time");
    expect(gone).toEqual([]);
  });

  it("answers every open call at the end", async () => {
    const calls = new PendingCalls<string>();
    const { answer } = calls.open();
    calls.closeAll();
    expect(await answer).toBeUndefined();
  });
});
