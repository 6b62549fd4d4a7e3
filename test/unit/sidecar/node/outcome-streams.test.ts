import { describe, expect, it } from "vitest";
import type { OutcomeEvent } from "../../../../sidecar/api/ports.ts";
import type { ItemSnapshot, OutcomeEntry } from "../../../../sidecar/core/work/index.ts";
import { OutcomeStreams } from "../../../../sidecar/node/outcome-streams.ts";

class Source {
  readonly entries: OutcomeEntry[] = [];
  readonly streams = new OutcomeStreams({
    incarnation: 7,
    source: this,
    viewOf: ({ ticket, state }) => ({
      ticket,
      state,
      demand: "d",
      attempts: { acquired: 1, failed: 0 },
      priority: 4,
      createdAtMs: 0,
    }),
  });

  outcomes(after: number, limit: number): readonly OutcomeEntry[] {
    return this.entries.filter((entry) => entry.number > after).slice(0, limit);
  }

  ended(ticket: string, submitter?: string): void {
    const number = this.entries.length + 1;
    const item: ItemSnapshot = {
      sequence: number,
      ticket,
      state: "done",
      acquired: 1,
      failed: 0,
      priority: 4,
      createdAtMs: 0,
      delayedUntilMs: undefined,
      provider: undefined,
      submitter,
      outcome: undefined,
    };
    this.entries.push({ number, item });
    this.streams.append({ number, item });
  }

  listen(options: Parameters<OutcomeStreams["subscribe"]>[0] = {}) {
    const events: OutcomeEvent[] = [];
    const stop = this.streams.subscribe(options, (event) => events.push(event));
    return { tickets: () => events.map((event) => event.item.ticket), events, stop };
  }
}

describe("OutcomeStreams", () => {
  it("tells each subscriber of each outcome after it subscribed", () => {
    const source = new Source();
    source.ended("a");
    const one = source.listen();
    const two = source.listen();
    source.ended("b");
    one.stop();
    source.ended("c");
    expect(one.tickets()).toEqual(["b"]);
    expect(two.tickets()).toEqual(["b", "c"]);
  });

  it("tells a subscriber with a submitter only of its own", () => {
    const source = new Source();
    const mine = source.listen({ submitter: "me" });
    source.ended("a", "other");
    source.ended("b", "me");
    source.ended("c");
    expect(mine.tickets()).toEqual(["b"]);
  });

  it("resumes after an event", () => {
    const source = new Source();
    const first = source.listen();
    for (const ticket of ["a", "b", "c"]) source.ended(ticket);
    const again = source.listen({ afterId: first.events[0]?.id ?? "" });
    expect(again.tickets()).toEqual(["b", "c"]);
  });

  it("replays all that is kept for an id of another start of the node", () => {
    const source = new Source();
    source.ended("a");
    expect(source.listen({ afterId: "zzz-5" }).tickets()).toEqual(["a"]);
    expect(source.listen({ afterId: "rubbish" }).tickets()).toEqual(["a"]);
  });

  it("replays more than one page", () => {
    const source = new Source();
    for (let index = 0; index < 2_500; index += 1) source.ended(String(index));
    expect(source.listen({ afterId: "7-0" }).tickets()).toHaveLength(2_500);
  });
});
