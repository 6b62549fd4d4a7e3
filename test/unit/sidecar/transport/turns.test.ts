import { describe, expect, it } from "vitest";
import { realTurns } from "../../../../sidecar/transport/turns.ts";

const nextEvent = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a turn of the event loop", () => {
  it("ends after what runs in it, before the next event", async () => {
    const seen: string[] = [];
    realTurns.afterTurn(() => seen.push("after"));
    realTurns.atEnd(() => seen.push("end"));
    seen.push("turn");
    await nextEvent();
    expect(seen).toEqual(["turn", "after", "end"]);
  });

  it("ends after the promises that its callbacks settle, and what those ask for", async () => {
    const seen: string[] = [];
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const application = promise.then(async () => {
      await Promise.resolve();
      seen.push("application");
      realTurns.afterTurn(() => seen.push("what it asked for"));
    });
    realTurns.atEnd(() => seen.push("end"));
    realTurns.afterTurn(() => {
      seen.push("answer");
      resolve(undefined);
    });
    await application;
    await nextEvent();
    expect(seen).toEqual(["answer", "application", "what it asked for", "end"]);
  });

  it("lets timers and the network have their turn, however long work causes work", async () => {
    let [fired, ticks, ended] = [false, 0, false];
    setTimeout(() => {
      fired = true;
    }, 1);
    realTurns.atEnd(() => {
      ended = true;
    });
    const tick = async (): Promise<void> => {
      while (!fired && ticks < 1_000_000) {
        ticks += 1;
        await new Promise<void>((resolve) => {
          realTurns.afterTurn(resolve);
        });
      }
    };
    await tick();
    expect(fired).toBe(true);
    expect(ended).toBe(true);
  });

  it("goes on after a callback that threw", async () => {
    const seen: string[] = [];
    const met = new Promise((resolve) => {
      process.prependOnceListener("uncaughtException", resolve);
    });
    const others = process.listeners("uncaughtException").slice(1);
    for (const other of others) process.off("uncaughtException", other);
    try {
      realTurns.afterTurn(() => {
        throw new Error("a bug");
      });
      realTurns.afterTurn(() => seen.push("the next"));
      realTurns.atEnd(() => seen.push("end"));
      expect(await met).toMatchObject({ message: "a bug" });
      await nextEvent();
    } finally {
      for (const other of others) process.on("uncaughtException", other);
    }
    expect(seen).toEqual(["the next", "end"]);
  });
});
