import { describe, expect, it } from "vitest";
import { OutcomeWaiters } from "../../../../sidecar/node/outcome-waiters.ts";

interface FakeTimer {
  readonly delayMs: number;
  readonly fire: () => void;
}

function waiters(): { waiters: OutcomeWaiters<string>; armed: Set<FakeTimer> } {
  const armed = new Set<FakeTimer>();
  const after = (delayMs: number, fire: () => void): (() => void) => {
    const timer = { delayMs, fire };
    armed.add(timer);
    return () => armed.delete(timer);
  };
  return { waiters: new OutcomeWaiters({ after }), armed };
}

describe("OutcomeWaiters", () => {
  it("wakes every waiter of a ticket, and no other, and leaves no timer", async () => {
    const { waiters: all, armed } = waiters();
    const woken: string[] = [];
    const waits = ["a", "a", "b"].map((ticket, index) =>
      all
        .wait(ticket, 1_000)
        .then((view) => woken.push(`${ticket}${String(index)}: ${view ?? "nothing"}`)),
    );
    all.wake("a", () => "outcome of a");
    await Promise.all(waits.slice(0, 2));
    expect(woken).toEqual(["a0: outcome of a", "a1: outcome of a"]);
    expect(armed.size).toBe(1);
    all.wakeAll();
    await Promise.all(waits);
    expect(armed.size).toBe(0);
  });

  it("ends a wait at its time", async () => {
    const { waiters: all, armed } = waiters();
    const wait = all.wait("a", 250);
    const [timer] = armed;
    expect(timer?.delayMs).toBe(250);
    timer?.fire();
    await wait;
    all.wake("a", () => "outcome of a");
  });

  it("ends a wait when its client is gone", async () => {
    const { waiters: all, armed } = waiters();
    const abort = new AbortController();
    const wait = all.wait("a", 250, abort.signal);
    abort.abort();
    await wait;
    expect(armed.size).toBe(0);
  });

  it("does not wait at all for nothing", async () => {
    const { waiters: all, armed } = waiters();
    await all.wait("a", 0);
    await all.wait("a", 100, AbortSignal.abort());
    expect(armed.size).toBe(0);
  });
});
