import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  Dialler,
  type DiallerEffect,
  type DiallerInput,
  type DiallerOptions,
} from "../../../../../sidecar/core/discovery/dialler.ts";

const at = (host: string, port = 7000) => ({ host, port });
const neighbour = (nodeId: string, hosts = ["h1"], incarnation = 1): DiallerInput => ({
  type: "neighbour",
  nodeId,
  incarnation,
  endpoints: hosts.map((host) => at(host)),
});
const wanted = (...nodeIds: string[]): DiallerInput => ({
  type: "wanted",
  nodeIds: new Set(nodeIds),
});
const failed = (nodeId: string, refused = false): DiallerInput => ({
  type: "dialFailed",
  nodeId,
  refused,
});
const opened = (nodeId: string, dialled = true): DiallerInput => ({
  type: "sessionOpened",
  nodeId,
  dialled,
});
const closed = (nodeId: string): DiallerInput => ({ type: "sessionClosed", nodeId });

function dialler(options: DiallerOptions = {}, chance = 0.999): Dialler {
  return new Dialler("a", { next: () => chance }, options);
}

/** Hands over the inputs at time 0 and gives the effects of the last. */
function feed(engine: Dialler, ...inputs: DiallerInput[]): DiallerEffect[] {
  return inputs.map((input) => engine.handle(input, 0)).at(-1) ?? [];
}

const dials = (effects: DiallerEffect[]): string[] =>
  effects.filter((e) => e.type === "dial").map((e) => `${e.nodeId}@${e.host}`);

describe("dialling", () => {
  test("starts at once when a wanted node has an address, in either order", () => {
    expect(feed(dialler(), wanted("b"), neighbour("b"))).toEqual([
      { type: "dial", nodeId: "b", host: "h1", port: 7000 },
    ]);
    expect(dials(feed(dialler(), neighbour("b"), wanted("b")))).toEqual(["b@h1"]);
  });

  test("does not start for a node that nobody wants, or without an address", () => {
    expect(feed(dialler(), neighbour("b"))).toEqual([]);
    expect(feed(dialler(), wanted("b"), neighbour("b", []))).toEqual([]);
  });

  test("never dials this node", () => {
    const engine = dialler();
    expect(feed(engine, wanted("a"), neighbour("a"))).toEqual([]);
    expect(feed(engine, opened("a"))).toEqual([]);
    expect(engine.nextDeadlineMs()).toBe(Infinity);
  });

  test("does not dial a node whose session is open, whoever dialled it", () => {
    expect(feed(dialler(), opened("b", false), neighbour("b"), wanted("b"))).toEqual([]);
  });

  test("tries each address in order at once, and waits when all have failed", () => {
    const engine = dialler();
    expect(dials(feed(engine, neighbour("b", ["h1", "h2", "h3"]), wanted("b")))).toEqual(["b@h1"]);
    expect(dials(feed(engine, failed("b")))).toEqual(["b@h2"]);
    expect(dials(feed(engine, failed("b")))).toEqual(["b@h3"]);
    expect(feed(engine, failed("b"))).toEqual([]);
    expect(dials(engine.advance(engine.nextDeadlineMs()))).toEqual(["b@h1"]);
  });

  test("counts a dial without an answer as failed after 10 s", () => {
    const engine = dialler();
    feed(engine, neighbour("b", ["h1", "h2"]), wanted("b"));
    expect(engine.nextDeadlineMs()).toBe(10_000);
    expect(dials(engine.advance(10_000))).toEqual(["b@h2"]);
  });

  test("stops when the node is no longer wanted", () => {
    const engine = dialler();
    feed(engine, neighbour("b"), wanted("b"), failed("b"), wanted());
    expect(engine.nextDeadlineMs()).toBe(Infinity);
    expect(dials(feed(engine, wanted("b")))).toEqual(["b@h1"]);
  });

  test("gives up a failed dial that nobody wants any more", () => {
    const engine = dialler();
    feed(engine, neighbour("b", ["h1", "h2"]), wanted("b"), wanted());
    expect(feed(engine, failed("b"))).toEqual([]);
    expect(engine.nextDeadlineMs()).toBe(Infinity);
  });

  test("forgets a node that is gone, also while it is being dialled", () => {
    const engine = dialler();
    feed(engine, neighbour("b"), wanted("b"), { type: "neighbourGone", nodeId: "b" });
    expect(feed(engine, failed("b"))).toEqual([]);
    expect(engine.nextDeadlineMs()).toBe(Infinity);
    expect(dials(feed(engine, neighbour("b")))).toEqual(["b@h1"]);
  });

  test("events of unknown nodes are harmless", () => {
    const engine = dialler();
    const gone: DiallerInput = { type: "neighbourGone", nodeId: "x" };
    expect(feed(engine, failed("x"), closed("x"), gone)).toEqual([]);
  });
});

describe("backoff", () => {
  test("doubles from 100 ms to 10 s, with full jitter", () => {
    const waits = (chance: number): number[] => {
      const engine = dialler({}, chance);
      let nowMs = 0;
      engine.handle(neighbour("b"), nowMs);
      engine.handle(wanted("b"), nowMs);
      return Array.from({ length: 9 }, () => {
        engine.handle(failed("b"), nowMs);
        const waitMs = engine.nextDeadlineMs() - nowMs;
        nowMs = engine.nextDeadlineMs();
        engine.advance(nowMs);
        return Math.round(waitMs);
      });
    };
    const bounds = [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000];
    expect(waits(1)).toEqual(bounds);
    expect(waits(0.5)).toEqual(bounds.map((ms) => ms / 2));
  });

  test("a peer that refused is left alone for 5 to 10 s", () => {
    const engine = dialler({}, 0);
    feed(engine, neighbour("b"), wanted("b"), failed("b", true));
    expect(engine.nextDeadlineMs()).toBe(5_000);
  });

  test("a session that held for 10 s resets it; one that did not makes it longer", () => {
    const after = (heldMs: number): number => {
      const engine = dialler({}, 1);
      feed(engine, neighbour("b"), wanted("b"), failed("b"));
      engine.advance(200);
      engine.handle(opened("b"), 200);
      engine.handle(closed("b"), 200 + heldMs);
      return Math.round(engine.nextDeadlineMs() - 200 - heldMs);
    };
    expect(after(10_000)).toBe(100);
    expect(after(9_999)).toBe(400);
  });

  test("a new incarnation or address is dialled at once and starts the backoff anew", () => {
    for (const news of [neighbour("b", ["h1"], 2), neighbour("b", ["h1", "h9"])]) {
      const engine = dialler({}, 1);
      feed(engine, neighbour("b"), wanted("b"), failed("b"));
      expect(dials(engine.handle(news, 150))).toEqual(["b@h1"]);
      engine.handle(failed("b"), 150);
      if (engine.nextDeadlineMs() === Infinity) expect.unreachable();
    }
  });

  test("the same announced again changes nothing", () => {
    const engine = dialler({}, 1);
    feed(engine, neighbour("b"), wanted("b"), failed("b"));
    expect(engine.handle(neighbour("b"), 150)).toEqual([]);
    expect(engine.nextDeadlineMs()).toBe(200);
  });

  test("news cannot make it dial more often than every 100 ms", () => {
    const engine = dialler({}, 1);
    feed(engine, neighbour("b"), wanted("b"), failed("b"));
    for (let i = 2; i < 50; i++) expect(engine.handle(neighbour("b", ["h1"], i), 1)).toEqual([]);
    expect(engine.nextDeadlineMs()).toBe(100);
  });

  test("news during a dial is tried when that dial fails, before the rest of the old list", () => {
    const engine = dialler();
    feed(engine, neighbour("b", ["h1", "h2"]), wanted("b"), neighbour("b", ["new"]));
    expect(feed(engine, failed("b"))).toEqual([]);
    expect(dials(engine.advance(100))).toEqual(["b@new"]);
  });

  test("an address that went away is not dialled", () => {
    const engine = dialler({}, 1);
    feed(engine, neighbour("b"), wanted("b"), failed("b"), neighbour("b", []));
    expect(engine.nextDeadlineMs()).toBe(Infinity);
  });
});

describe("concurrency", () => {
  const peers = Array.from({ length: 40 }, (_, i) => `n${i}`);

  test("16 dials at once; each end starts the one that waited longest", () => {
    const engine = dialler();
    feed(engine, ...peers.map((id) => neighbour(id)));
    expect(dials(feed(engine, wanted(...peers)))).toHaveLength(16);
    expect(dials(feed(engine, opened("n3")))).toEqual(["n16@h1"]);
    expect(dials(feed(engine, failed("n5")))).toEqual(["n17@h1"]);
  });

  test("with no place free it waits for an end, not for a time that has passed", () => {
    const engine = dialler({ maxConcurrentDials: 1 });
    feed(engine, neighbour("b"), neighbour("c"), wanted("b", "c"));
    expect(engine.nextDeadlineMs()).toBe(10_000);
  });
});

describe("idle sessions", () => {
  test("one that we dialled and nobody wants is reported after 30 s, again every 30 s", () => {
    const engine = dialler();
    feed(engine, neighbour("b"), wanted("b"), opened("b"));
    expect(engine.nextDeadlineMs()).toBe(Infinity);
    engine.handle(wanted(), 1_000);
    engine.handle(wanted(), 5_000);
    expect(engine.nextDeadlineMs()).toBe(31_000);
    expect(engine.advance(30_999)).toEqual([]);
    expect(engine.advance(31_000)).toEqual([{ type: "idle", nodeId: "b" }]);
    expect(engine.nextDeadlineMs()).toBe(61_000);
  });

  test("wanted again in time, it is not reported", () => {
    const engine = dialler();
    feed(engine, neighbour("b"), wanted("b"), opened("b"), wanted(), wanted("b"));
    expect(engine.nextDeadlineMs()).toBe(Infinity);
  });

  test("one that the peer dialled is the peer's to end", () => {
    const engine = dialler();
    feed(engine, neighbour("b"), opened("b", false), wanted());
    expect(engine.nextDeadlineMs()).toBe(Infinity);
  });

  test("one that came the other way while dialling frees the place", () => {
    const engine = dialler({ maxConcurrentDials: 1 });
    feed(engine, neighbour("b"), neighbour("c"), wanted("b", "c"));
    expect(dials(feed(engine, opened("b", false)))).toEqual(["c@h1"]);
    expect(feed(engine, failed("b"))).toEqual([]);
  });
});

test("for any events: bounded dials, one per node, none to itself, none while connected", () => {
  const nodeId = fc.constantFrom("a", "b", "c", "d", "e");
  const hosts = fc.uniqueArray(fc.constantFrom("h1", "h2", "h3"), { maxLength: 3 });
  const input: fc.Arbitrary<DiallerInput> = fc.oneof(
    fc.uniqueArray(nodeId).map((ids) => wanted(...ids)),
    fc.tuple(nodeId, hosts, fc.nat({ max: 3 })).map((args) => neighbour(...args)),
    nodeId.map((id) => ({ type: "neighbourGone", nodeId: id }) as const),
    fc.tuple(nodeId, fc.boolean()).map((args) => opened(...args)),
    fc.tuple(nodeId, fc.boolean()).map((args) => failed(...args)),
    nodeId.map(closed),
  );
  const step = fc.tuple(input, fc.nat({ max: 3_000 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const engine = dialler({ maxConcurrentDials: 2, dialTimeoutMs: Infinity }, 0.7);
      const open = new Set<string>();
      const running = new Set<string>();
      let nowMs = 0;
      const carryOut = (effects: DiallerEffect[]): void => {
        for (const effect of effects) {
          expect(effect.nodeId).not.toBe("a");
          if (effect.type === "idle") expect(open).toContain(effect.nodeId);
          if (effect.type !== "dial") continue;
          expect(open).not.toContain(effect.nodeId);
          expect(running).not.toContain(effect.nodeId);
          running.add(effect.nodeId);
        }
        expect(running.size).toBeLessThanOrEqual(2);
      };
      for (const [next, waitMs] of steps) {
        nowMs += waitMs;
        carryOut(engine.advance(nowMs));
        if (next.type === "sessionOpened") {
          open.add(next.nodeId);
          running.delete(next.nodeId);
        } else if (next.type === "sessionClosed") open.delete(next.nodeId);
        else if (next.type === "dialFailed") running.delete(next.nodeId);
        carryOut(engine.handle(next, nowMs));
        expect(engine.nextDeadlineMs()).toBeGreaterThan(nowMs);
      }
    }),
    { numRuns: 500 },
  );
});
