import { describe, expect, it } from "vitest";
import { Outbox } from "../../../../sidecar/control/outbox.ts";

describe("messages on their way out", () => {
  it("come in order, those pushed before and after the reader began", async () => {
    const outbox = new Outbox<number>(10);
    outbox.push(1);
    outbox.push(2);
    const reader = outbox[Symbol.asyncIterator]();
    expect([(await reader.next()).value, (await reader.next()).value]).toEqual([1, 2]);
    const next = reader.next();
    outbox.push(3);
    expect((await next).value).toBe(3);
  });

  it("beyond the bound are not taken", () => {
    const outbox = new Outbox<number>(2);
    expect([outbox.push(1), outbox.push(2), outbox.push(3)]).toEqual([true, true, false]);
  });

  it("end at once when it is closed, what waits is dropped, and none is taken after", async () => {
    const outbox = new Outbox<number>(2);
    const waiting = outbox[Symbol.asyncIterator]().next();
    outbox.close();
    expect((await waiting).done).toBe(true);
    expect(outbox.push(1)).toBe(false);
    expect((await outbox[Symbol.asyncIterator]().next()).done).toBe(true);
  });
});
