import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type NeighbourEffect,
  type NeighbourInput,
  NeighbourList,
} from "../../../../../sidecar/core/discovery/neighbour-list.ts";
import {
  type DiscoverySource,
  discoverySources,
  type Sighting,
} from "../../../../../sidecar/core/discovery/sighting.ts";
import { demand } from "../../../../support/announcements.ts";

const at = (host: string, port = 7000) => ({ host, port });

function sighted(source: DiscoverySource, fields: Partial<Sighting> = {}): NeighbourInput {
  const sighting = { nodeId: "b", endpoints: [at("10.0.0.2")], ttlMs: 25_000, ...fields };
  return { type: "sighted", source, sighting };
}

const heard = (fields: Partial<Sighting> = {}): NeighbourInput =>
  sighted("multicast", { incarnation: 1, demands: [], ...fields });
const fixed = (fields: Partial<Sighting> = {}): NeighbourInput =>
  sighted("static", { endpoints: [at("b.example", 9)], ttlMs: Infinity, ...fields });
const opened = (incarnation = 1): NeighbourInput => ({
  type: "sessionOpened",
  nodeId: "b",
  incarnation,
});
const closed: NeighbourInput = { type: "sessionClosed", nodeId: "b" };
const left = (incarnation = 1): NeighbourInput => ({
  type: "left",
  source: "multicast",
  nodeId: "b",
  incarnation,
});

function listOf(...inputs: NeighbourInput[]): NeighbourList {
  const list = new NeighbourList("a");
  for (const input of inputs) list.handle(input, 0);
  return list;
}

const types = (effects: NeighbourEffect[]): string[] => effects.map((e) => e.type);

describe("sources", () => {
  test("a first sighting appears", () => {
    const effects = new NeighbourList("a").handle(heard({ demands: [demand("x")] }), 0);
    expect(effects).toMatchObject([
      {
        type: "appeared",
        neighbour: {
          nodeId: "b",
          incarnation: 1,
          endpoints: [at("10.0.0.2")],
          demands: [{ name: "x" }],
          sources: ["multicast"],
          sessionOpen: false,
        },
      },
    ]);
  });

  test("two sources are one neighbour: both named, endpoints merged, announced ones first", () => {
    const list = listOf(fixed(), heard());
    expect(list.neighbours()).toMatchObject([
      {
        nodeId: "b",
        endpoints: [at("10.0.0.2"), at("b.example", 9)],
        sources: ["multicast", "static"],
      },
    ]);
  });

  test("an endpoint that two sources name stands once", () => {
    const list = listOf(fixed({ endpoints: [at("10.0.0.2")] }), heard());
    expect(list.neighbour("b")?.endpoints).toEqual([at("10.0.0.2")]);
  });

  test("a static neighbour has neither incarnation nor demands: unknown is not none", () => {
    const neighbour = listOf(fixed()).neighbour("b");
    expect(neighbour).not.toHaveProperty("incarnation");
    expect(neighbour).not.toHaveProperty("demands");
  });

  test("the newest word about demands counts, whichever source it is from", () => {
    const list = listOf(sighted("control", { incarnation: 1, demands: [demand("old")] }));
    list.handle(heard({ demands: [demand("new")] }), 5);
    expect(list.neighbour("b")?.demands).toMatchObject([{ name: "new" }]);
  });

  test("a removed static peer vanishes", () => {
    const list = listOf(fixed());
    const effects = list.handle({ type: "removed", source: "static", nodeId: "b" }, 0);
    expect(effects).toEqual([{ type: "vanished", nodeId: "b", reason: "REMOVED" }]);
  });

  test("neighbours are listed by node id", () => {
    const list = listOf(heard({ nodeId: "z" }), heard({ nodeId: "c" }), heard());
    expect(list.neighbours().map((n) => n.nodeId)).toEqual(["b", "c", "z"]);
  });

  test("this node itself is never listed", () => {
    const self = listOf(heard({ nodeId: "a" }), fixed({ nodeId: "a" }), {
      type: "sessionOpened",
      nodeId: "a",
      incarnation: 1,
    });
    expect(self.neighbours()).toEqual([]);
  });

  test("the 4,097th node is refused and named", () => {
    const list = listOf(...Array.from({ length: 4_096 }, (_, i) => heard({ nodeId: `n${i}` })));
    const refused = [{ type: "refused", nodeId: "b", reason: "TOO_MANY_NODES" }];
    expect(list.handle(heard(), 0)).toEqual(refused);
    expect(list.handle(opened(), 0)).toEqual(refused);
    expect(list.neighbours()).toHaveLength(4_096);
  });
});

describe("changes", () => {
  test("the same again changes nothing", () => {
    expect(listOf(heard()).handle(heard(), 10)).toEqual([]);
  });

  test("another order of endpoints and demands changes nothing", () => {
    const both = [at("10.0.0.2"), at("10.0.0.3")];
    const demands = [demand("x"), demand("y")];
    const list = listOf(heard({ endpoints: both, demands }));
    const turned = { endpoints: both.toReversed(), demands: demands.toReversed() };
    expect(list.handle(heard(turned), 0)).toEqual([]);
  });

  const no = {
    restarted: false,
    endpointsChanged: false,
    demandsChanged: false,
    sourcesChanged: false,
  };

  test.each([
    ["a count", heard({ demands: [demand("x", { connectedProviders: 1 })] }), "demandsChanged"],
    [
      "another address",
      heard({ endpoints: [at("10.0.0.3")], demands: [demand("x")] }),
      "endpointsChanged",
    ],
    [
      "another port",
      heard({ endpoints: [at("10.0.0.2", 7001)], demands: [demand("x")] }),
      "endpointsChanged",
    ],
    ["a session", opened(), "sourcesChanged"],
  ])("%s is told as what it is", (_, input, what) => {
    const effects = listOf(heard({ demands: [demand("x")] })).handle(input, 0);
    expect(effects).toMatchObject([{ type: "changed", ...no, [what]: true }]);
  });
});

describe("incarnations", () => {
  test("a newer one is a restart; what the older said is void, the static endpoint stays", () => {
    const list = listOf(fixed(), heard({ demands: [demand("x")] }));
    const gossip = sighted("gossip", { incarnation: 2, endpoints: [at("10.0.0.9")] });
    expect(list.handle(gossip, 0)).toMatchObject([{ type: "changed", restarted: true }]);
    expect(list.neighbour("b")).toMatchObject({
      incarnation: 2,
      endpoints: [at("10.0.0.9"), at("b.example", 9)],
      sources: ["gossip", "static"],
    });
    expect(list.neighbour("b")).not.toHaveProperty("demands");
  });

  test("an older one changes nothing, also its goodbye", () => {
    const list = listOf(heard({ incarnation: 2 }));
    expect(list.handle(heard({ incarnation: 1, endpoints: [at("10.0.0.9")] }), 0)).toEqual([]);
    expect(list.handle(left(1), 0)).toEqual([]);
    expect(list.handle(opened(1), 0)).toEqual([]);
    expect(list.neighbour("b")).toMatchObject({ incarnation: 2, sessionOpen: false });
  });

  test("learning it for the first time is no restart", () => {
    expect(listOf(fixed()).handle(opened(3), 0)).toMatchObject([{ restarted: false }]);
  });
});

describe("expiry", () => {
  test("a neighbour vanishes after its ttl, not before", () => {
    const list = listOf(heard());
    expect(list.nextDeadlineMs()).toBe(25_000);
    expect(list.advance(24_999)).toEqual([]);
    expect(list.advance(25_000)).toEqual([{ type: "vanished", nodeId: "b", reason: "EXPIRED" }]);
    expect(list.nextDeadlineMs()).toBe(Infinity);
  });

  test("being heard again puts it off", () => {
    const list = listOf(heard());
    list.handle(heard(), 20_000);
    expect(list.advance(25_000)).toEqual([]);
    expect(list.nextDeadlineMs()).toBe(45_000);
    expect(types(list.advance(45_000))).toEqual(["vanished"]);
  });

  test("of one source leaves what the others say", () => {
    const list = listOf(fixed(), heard());
    expect(list.advance(25_000)).toMatchObject([
      { type: "changed", sourcesChanged: true, endpointsChanged: true },
    ]);
    expect(list.neighbour("b")).toMatchObject({ sources: ["static"] });
    expect(list.nextDeadlineMs()).toBe(Infinity);
  });

  test("is a hint while a session is open: demands and endpoints stay until it closes", () => {
    const list = listOf(heard({ demands: [demand("x")] }), opened());
    expect(types(list.advance(25_000))).toEqual(["changed"]);
    expect(list.neighbour("b")).toMatchObject({
      demands: [{ name: "x" }],
      endpoints: [at("10.0.0.2")],
      sources: [],
      sessionOpen: true,
    });
    expect(list.handle(closed, 30_000)).toEqual([
      { type: "vanished", nodeId: "b", reason: "SESSION_CLOSED" },
    ]);
  });

  test("heard again after it, the hint is forgotten", () => {
    const list = listOf(heard({ demands: [demand("x")] }), opened());
    list.advance(25_000);
    list.handle(heard({ demands: [] }), 26_000);
    expect(list.neighbour("b")).toMatchObject({ demands: [], sources: ["multicast"] });
  });
});

describe("goodbye and sessions", () => {
  test("goodbye takes the source away at once", () => {
    expect(listOf(heard()).handle(left(), 0)).toEqual([
      { type: "vanished", nodeId: "b", reason: "GOODBYE" },
    ]);
  });

  test("goodbye is a hint while a session is open", () => {
    const list = listOf(heard(), opened());
    expect(types(list.handle(left(), 0))).toEqual(["changed"]);
    expect(list.neighbour("b")?.sessionOpen).toBe(true);
  });

  test("goodbye of somebody unknown is nothing", () => {
    expect(listOf().handle(left(), 0)).toEqual([]);
  });

  test("a peer that dialled us is a neighbour while its session is open", () => {
    const list = new NeighbourList("a");
    expect(types(list.handle(opened(), 0))).toEqual(["appeared"]);
    expect(types(list.handle(closed, 0))).toEqual(["vanished"]);
  });

  test("what the session itself told ends with it", () => {
    const told = sighted("session", { incarnation: 1, demands: [demand("x")], ttlMs: Infinity });
    const list = listOf(fixed(), opened(), told);
    expect(list.neighbour("b")).toMatchObject({ demands: [{ name: "x" }] });
    list.handle(closed, 0);
    expect(list.neighbour("b")).toMatchObject({ sources: ["static"], sessionOpen: false });
    expect(list.neighbour("b")).not.toHaveProperty("demands");
  });

  test("closing what is not open is nothing", () => {
    expect(listOf(heard()).handle(closed, 0)).toEqual([]);
    expect(listOf().handle(closed, 0)).toEqual([]);
  });
});

test("for any inputs: effects tell what the list shows, and nothing outlives its ttl", () => {
  const nodeId = fc.constantFrom("a", "b", "c");
  const incarnation = fc.integer({ min: 1, max: 3 });
  const source = fc.constantFrom(...discoverySources);
  const input: fc.Arbitrary<NeighbourInput> = fc.oneof(
    fc
      .record({ source, nodeId, incarnation, ttlMs: fc.constantFrom(10, 50, Infinity) })
      .map((r) =>
        sighted(r.source, { nodeId: r.nodeId, incarnation: r.incarnation, ttlMs: r.ttlMs }),
      ),
    fc.record({ type: fc.constant("left" as const), source, nodeId, incarnation }),
    fc.record({ type: fc.constant("removed" as const), source, nodeId }),
    fc.record({ type: fc.constant("sessionOpened" as const), nodeId, incarnation }),
    fc.record({ type: fc.constant("sessionClosed" as const), nodeId }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(input, fc.nat({ max: 20 })), { maxLength: 60 }), (steps) => {
      const list = new NeighbourList("a");
      const told = new Map<string, unknown>();
      let nowMs = 0;
      for (const [next, waitMs] of steps) {
        nowMs += waitMs;
        for (const effect of [...list.advance(nowMs), ...list.handle(next, nowMs)]) {
          if (effect.type === "vanished") expect(told.delete(effect.nodeId)).toBe(true);
          else if (effect.type === "refused") expect.unreachable();
          else {
            expect(told.has(effect.neighbour.nodeId)).toBe(effect.type === "changed");
            told.set(effect.neighbour.nodeId, effect.neighbour);
          }
        }
        expect(list.neighbours().map((n) => n.nodeId)).toEqual([...told.keys()].toSorted());
        for (const n of list.neighbours()) {
          expect(n.sources.length > 0 || n.sessionOpen).toBe(true);
          expect(told.get(n.nodeId)).toMatchObject({ sources: n.sources, endpoints: n.endpoints });
        }
        expect(list.nextDeadlineMs()).toBeGreaterThan(nowMs);
      }
    }),
    { numRuns: 500 },
  );
});
