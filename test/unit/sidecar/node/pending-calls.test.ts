import { describe, expect, it } from "vitest";
import { PendingCalls, type Unanswered } from "../../../../sidecar/node/pending-calls.ts";

type Reply = { readonly kind: "reply"; readonly text: string };

const reply = (text: string): Reply => ({ kind: "reply", text });

/** Calls that write down what they are answered. */
function rig() {
  const calls = new PendingCalls<Reply>();
  const answers: (Reply | Unanswered)[] = [];
  const answer = (given: Reply | Unanswered): void => {
    answers.push(given);
  };
  const abort = new AbortController();
  const gone: number[] = [];
  const caller = { signal: abort.signal, onGone: (call: number) => void gone.push(call) };
  return { calls, answers, answer, abort, gone, caller };
}

describe("PendingCalls", () => {
  it("hands each reply to its caller, once", () => {
    const { calls, answers, answer } = rig();
    const one = calls.open(answer);
    const two = calls.open(answer);
    expect(one).not.toBe(two);
    expect(calls.answer(two, reply("second"))).toBe(true);
    expect(calls.answer(one, reply("first"))).toBe(true);
    expect(calls.answer(one, reply("again"))).toBe(false);
    expect(answers).toEqual([reply("second"), reply("first")]);
  });

  it("says that the caller is gone, and tells the engine", () => {
    const { calls, answers, answer, abort, gone, caller } = rig();
    const call = calls.open(answer, caller);
    abort.abort();
    expect(answers).toEqual([{ kind: "gone" }]);
    expect(gone).toEqual([call]);
    expect(calls.answer(call, reply("late"))).toBe(false);
  });

  it("does not tell the engine of a caller that went away after the reply", () => {
    const { calls, answers, answer, abort, gone, caller } = rig();
    const call = calls.open(answer, caller);
    calls.answer(call, reply("in time"));
    abort.abort();
    expect(answers).toEqual([reply("in time")]);
    expect(gone).toEqual([]);
  });

  it("ends every open call at the end", () => {
    const { calls, answers, answer } = rig();
    calls.open(answer);
    calls.closeAll();
    expect(answers).toEqual([{ kind: "gone" }]);
    calls.open(answer);
    expect(answers).toEqual([{ kind: "gone" }, { kind: "gone" }]);
  });
});
