import { describe, expect, it } from "vitest";
import {
  ListWatch,
  type ListWatchOptions,
} from "../../../../../operator/runtime/core/list-watch.ts";
import type { ApiObject } from "../../../../../operator/runtime/index.ts";

function object(name: string, version: number): ApiObject {
  return { metadata: { name, resourceVersion: `${version}` } };
}

function started(options: ListWatchOptions = {}) {
  const engine = new ListWatch<ApiObject>(options, { next: () => 0 });
  const effects = engine.handle({ type: "start" }, 0);
  return { engine, effects };
}

const end = {
  type: "event",
  attempt: 1,
  event: { type: "bookmark", resourceVersion: "10", initialEventsEnd: true },
} as const;

/** A list-watch that watches from version 10 under attempt 1. */
function watching(options: ListWatchOptions = {}) {
  const { engine } = started(options);
  engine.handle(end, 0);
  expect(engine.stateName).toBe("watching");
  return engine;
}

function types(effects: readonly { readonly type: string }[]): string[] {
  return effects.map(({ type }) => type);
}

describe("a streamed list", () => {
  it("is whole at the bookmark that ends it", () => {
    const { engine, effects } = started();
    expect(effects).toEqual([
      { type: "beginReplace" },
      { type: "watch", attempt: 1, resourceVersion: "", initialEvents: true },
    ]);
    const event = { type: "upserted", object: object("a", 3) } as const;
    expect(types(engine.handle({ type: "event", attempt: 1, event }, 1))).toEqual(["upsert"]);
    expect(engine.synced).toBe(false);
    expect(types(engine.handle(end, 2))).toEqual(["endReplace", "synced"]);
    expect(engine.synced).toBe(true);
  });

  it("begins anew when it breaks before its end", () => {
    const { engine } = started();
    const failure = { code: "UNREACHABLE" } as const;
    engine.handle({ type: "failed", attempt: 1, failure }, 0);
    expect(engine.nextDeadlineMs()).toBe(100);
    expect(types(engine.advance(100))).toEqual(["beginReplace", "watch"]);
  });

  it("that the server does not know becomes pages, for good", () => {
    const { engine } = started({ pageSize: 2 });
    const failure = { code: "INVALID" } as const;
    const effects = engine.handle({ type: "failed", attempt: 1, failure }, 0);
    expect(types(effects)).toEqual(["trouble", "beginReplace", "list"]);
    expect(effects.at(-1)).toMatchObject({ limit: 2, continueToken: undefined });
  });
});

describe("a list in pages", () => {
  const page = { type: "listed", attempt: 1, resourceVersion: "7" } as const;

  it("asks for page after page, then watches from the version of the list", () => {
    const { engine } = started({ streamedList: false });
    const first = { ...page, items: [object("a", 1)], continueToken: "next" };
    expect(engine.handle(first, 0).at(-1)).toMatchObject({ type: "list", continueToken: "next" });
    const last = { ...page, items: [object("b", 2)], continueToken: undefined };
    const effects = engine.handle(last, 0);
    expect(types(effects)).toEqual(["upsert", "endReplace", "synced", "watch"]);
    expect(effects.at(-1)).toMatchObject({ resourceVersion: "7", initialEvents: false });
  });

  it("whose token became too old comes in one piece", () => {
    const { engine } = started({ streamedList: false });
    engine.handle({ ...page, items: [], continueToken: "next" }, 0);
    const gone = { type: "failed", attempt: 1, failure: { code: "GONE" } } as const;
    const effects = engine.handle(gone, 0);
    expect(types(effects)).toEqual(["trouble", "beginReplace", "list"]);
    expect(effects.at(-1)).toMatchObject({ limit: undefined, attempt: 2 });
  });
});

describe("a watch", () => {
  it("is taken up where it was, at once after an orderly end", () => {
    const engine = watching();
    const event = { type: "upserted", object: object("a", 12) } as const;
    engine.handle({ type: "event", attempt: 1, event }, 5);
    expect(engine.handle({ type: "ended", attempt: 1 }, 6)).toEqual([
      { type: "watch", attempt: 2, resourceVersion: "12", initialEvents: false },
    ]);
  });

  it("that ends at once without an event is not asked for at once", () => {
    const engine = watching();
    engine.handle({ type: "ended", attempt: 1 }, 0);
    engine.handle({ type: "ended", attempt: 2 }, 10);
    expect(engine.stateName).toBe("waiting");
    expect(engine.nextDeadlineMs()).toBe(110);
  });

  it("ignores what was sent twice", () => {
    const engine = watching();
    const event = { type: "upserted", object: object("a", 12) } as const;
    expect(types(engine.handle({ type: "event", attempt: 1, event }, 1))).toEqual(["upsert"]);
    expect(engine.handle({ type: "event", attempt: 1, event }, 1)).toEqual([]);
    const older = { type: "removed", object: object("a", 9) } as const;
    expect(engine.handle({ type: "event", attempt: 1, event: older }, 1)).toEqual([]);
  });

  it("ignores what an earlier stream still sends", () => {
    const engine = watching();
    engine.handle({ type: "failed", attempt: 1, failure: { code: "UNREACHABLE" } }, 0);
    const event = { type: "upserted", object: object("a", 99) } as const;
    expect(engine.handle({ type: "event", attempt: 1, event }, 1)).toEqual([]);
    engine.advance(1_000);
    expect(engine.handle({ type: "event", attempt: 1, event }, 1_001)).toEqual([]);
    expect(types(engine.handle({ type: "event", attempt: 2, event }, 1_002))).toEqual(["upsert"]);
  });

  it("whose version is too old becomes a list", () => {
    const engine = watching();
    const gone = { type: "failed", attempt: 1, failure: { code: "GONE" } } as const;
    expect(types(engine.handle(gone, 2_000))).toEqual(["trouble", "beginReplace", "watch"]);
  });

  it("is given up when it is silent; any sign puts that off", () => {
    const engine = watching({ silenceMs: 1_000 });
    const event = { type: "bookmark", resourceVersion: "11", initialEventsEnd: false } as const;
    engine.handle({ type: "event", attempt: 1, event }, 900);
    expect(engine.advance(1_500)).toEqual([]);
    expect(types(engine.advance(1_900))).toEqual(["abort", "trouble"]);
    expect(engine.advance(2_000).at(-1)).toMatchObject({ type: "watch", resourceVersion: "11" });
  });

  it("waits longer after each failure, and at least as long as it was asked to", () => {
    const engine = watching();
    const waitsMs: number[] = [];
    let nowMs = 0;
    for (let attempt = 1; attempt <= 8; attempt++) {
      engine.handle({ type: "failed", attempt, failure: { code: "UNREACHABLE" } }, nowMs);
      waitsMs.push(engine.nextDeadlineMs() - nowMs);
      nowMs = engine.nextDeadlineMs();
      engine.advance(nowMs);
    }
    expect(waitsMs).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    const failure = { code: "TOO_MANY_REQUESTS", retryAfterMs: 3_600_000 } as const;
    engine.handle({ type: "failed", attempt: 9, failure }, nowMs);
    expect(engine.nextDeadlineMs() - nowMs).toBe(60_000);
  });
});

describe("the end", () => {
  it("is final: nothing is asked for and nothing is heard", () => {
    const engine = watching();
    expect(engine.handle({ type: "stop" }, 1)).toEqual([{ type: "abort" }]);
    const event = { type: "upserted", object: object("a", 99) } as const;
    expect(engine.handle({ type: "event", attempt: 1, event }, 2)).toEqual([]);
    expect(engine.handle({ type: "start" }, 3)).toEqual([]);
    expect(engine.handle({ type: "stop" }, 4)).toEqual([]);
    expect(engine.nextDeadlineMs()).toBe(Infinity);
    expect(engine.advance(1e9)).toEqual([]);
  });

  it("bounds that are none are refused", () => {
    expect(() => started({ pageSize: 0 })).toThrow(RangeError);
    expect(() => started({ silenceMs: 0 })).toThrow(RangeError);
  });
});
