import { expect, test, vi } from "vitest";
import { demands } from "../../../../operator/controller/cached-resource.ts";
import {
  differsBesidesStatus,
  StatusWrites,
} from "../../../../operator/controller/status-writes.ts";
import { type Packed, Packer } from "../../../../operator/controller/packed.ts";
import type { Refusal } from "../../../../operator/controller/refusal-log.ts";
import { ApiError, type ApiObject, silentLog } from "../../../../operator/runtime/index.ts";
import type { StoredMetadata } from "../../../../operator/schema/index.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { readable, storedDemand } from "../../../support/reconcile-rig.ts";

interface Told {
  readonly ready: number;
  readonly conditions: readonly [];
}

const { metadata } = readable(storedDemand());
const status = (ready: number): Told => ({ ready, conditions: [] });
const packer = new Packer<Told>();
const shown = (ready: number): Packed<Told> => packer.pack(status(ready));

/** Statuses that are written when a test lets them be, and timers that it fires. */
function rig() {
  const clock = new FakeClock();
  const sent: { readonly object: ApiObject; readonly answer: (error?: ApiError) => void }[] = [];
  const timers: (() => void)[] = [];
  let version = 100;
  const said: Refusal[] = [];
  const client = {
    applyForVersion: (_: unknown, object: ApiObject) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const answer = (error?: ApiError): void => {
        version += 1;
        if (error !== undefined) reject(error);
        else resolve(String(version));
      };
      sent.push({ object, answer });
      return promise;
    },
  };
  const after = (_: number, callback: () => void) => {
    timers.push(callback);
    return () => timers.splice(timers.indexOf(callback), 1);
  };
  const writes = new StatusWrites<Told>(
    { resource: demands, fieldManager: "tester" },
    // The one method of the client that is used.
    {
      client: client as never,
      surroundings: { clock, timers: { after }, log: silentLog } as never,
      refusals: { note: (refusal: Refusal) => said.push(refusal) } as never,
    },
  );
  return { clock, said, sent, timers, writes };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("nothing is written before the start, and what waits is written then", () => {
  const { sent, writes } = rig();
  writes.want(metadata, status(1), undefined);
  expect(sent).toEqual([]);
  writes.start();
  expect(sent.map(({ object }) => object)).toEqual([
    { metadata: { namespace: "shop", name: "thumbnails", uid: metadata.uid }, status: status(1) },
  ]);
});

test("the own write that comes back is not taken for somebody else's", async () => {
  const { sent, writes } = rig();
  writes.start();
  writes.want(metadata, status(1), undefined);
  sent[0]?.answer();
  await turn();
  writes.observe({ ...metadata, resourceVersion: "101" }, shown(0));
  writes.observe({ ...metadata, resourceVersion: "99" }, shown(0));
  expect(sent).toHaveLength(1);
});

test("what somebody else writes over it is written again", async () => {
  const { sent, writes } = rig();
  writes.start();
  writes.want(metadata, status(1), undefined);
  sent[0]?.answer();
  await turn();
  writes.observe({ ...metadata, resourceVersion: "102" }, shown(0));
  expect(sent).toHaveLength(2);
});

test("what somebody else writes while a write is under way is written over all the same", async () => {
  const { sent, writes } = rig();
  writes.start();
  writes.want(metadata, status(1), undefined);
  writes.observe({ ...metadata, resourceVersion: "102" }, shown(0));
  sent[0]?.answer();
  await turn();
  const objects = sent.map(({ object }) => object);
  expect(objects).toMatchObject([{ status: status(1) }, { status: status(1) }]);
});

test.each(["100", "101"])("version %s, seen before the own 101 is answered, is not", async (it) => {
  const { sent, writes } = rig();
  writes.start();
  writes.want(metadata, status(1), undefined);
  writes.observe({ ...metadata, resourceVersion: it }, shown(0));
  sent[0]?.answer();
  await turn();
  expect([sent.length, writes.dirtyCount]).toEqual([1, 0]);
});

test("a write that failed but stands, as the cache shows, is not tried again", async () => {
  const { sent, writes } = rig();
  writes.start();
  writes.want(metadata, status(1), undefined);
  writes.observe({ ...metadata, resourceVersion: "101" }, shown(1));
  sent[0]?.answer(new ApiError("TIMEOUT", "no answer"));
  await turn();
  expect(writes.dirtyCount).toBe(0);
});

test("the answer for an object that is gone says nothing of its successor", async () => {
  const { sent, writes } = rig();
  writes.start();
  writes.want(metadata, status(1), undefined);
  const successor = { ...metadata, uid: "new" };
  writes.want(successor, status(2), undefined);
  sent[0]?.answer(new ApiError("NOT_FOUND", "gone"));
  await turn();
  expect(writes.wanted(successor)).toEqual(status(2));
});

test("a failure is tried again later, an object that is gone is not", async () => {
  const { clock, sent, timers, writes } = rig();
  writes.start();
  writes.want(metadata, status(1), undefined);
  sent[0]?.answer(new ApiError("SERVER_ERROR", "no"));
  await turn();
  expect([sent.length, timers.length]).toEqual([1, 1]);
  clock.advance(1_000);
  timers[0]?.();
  sent[1]?.answer(new ApiError("NOT_FOUND", "gone"));
  await turn();
  expect([sent.length, writes.dirtyCount, writes.wanted(metadata)]).toEqual([2, 0, undefined]);
});

test.each(["INVALID", "BAD_REQUEST"] as const)(
  "what is refused with %s is not tried again until the spec changes",
  async (code) => {
    const { clock, said, sent, timers, writes } = rig();
    writes.start();
    writes.want(metadata, status(1), undefined);
    sent[0]?.answer(new ApiError(code, "no"));
    await turn();
    clock.advance(3_600_000);
    writes.want(metadata, status(2), undefined);
    writes.observe({ ...metadata, resourceVersion: "105" }, shown(0));
    expect([sent.length, timers.length, writes.wanted(metadata)]).toEqual([1, 0, status(2)]);
    expect(said).toMatchObject([{ kind: "Demand", code, fields: { name: "thumbnails" } }]);
    writes.want({ ...metadata, generation: metadata.generation + 1 }, status(2), shown(0));
    sent[1]?.answer();
    await turn();
    expect([sent[1]?.object, writes.dirtyCount]).toMatchObject([{ status: status(2) }, 0]);
  },
);

test("a spec that changes while its status is refused has its own tried", async () => {
  const { clock, sent, timers, writes } = rig();
  writes.start();
  writes.want(metadata, status(1), undefined);
  writes.want({ ...metadata, generation: metadata.generation + 1 }, status(2), undefined);
  sent[0]?.answer(new ApiError("INVALID", "no"));
  await turn();
  clock.advance(1_000);
  timers[0]?.();
  expect(sent[1]?.object).toMatchObject({ status: status(2) });
});

test("what a missing permission refuses is tried again, in the end once a minute", async () => {
  const { clock, sent, timers, writes } = rig();
  writes.start();
  writes.want(metadata, status(1), undefined);
  for (let refusals = 0; refusals < 10; refusals += 1) {
    sent.at(-1)?.answer(new ApiError("FORBIDDEN", "no"));
    await turn();
    clock.advance(60_000);
    timers.at(-1)?.();
  }
  expect(sent).toHaveLength(11);
});

test("the end waits for what is on its way, and begins nothing", async () => {
  const { sent, writes } = rig();
  writes.start();
  writes.want(metadata, status(1), undefined);
  let ended = false;
  const end = writes.stop().then(() => (ended = true));
  writes.want({ ...metadata, name: "other", uid: "other" }, status(1), undefined);
  await turn();
  expect([sent.length, ended]).toEqual([1, false]);
  sent[0]?.answer();
  await end;
  expect(sent).toHaveLength(1);
});

test("an object made anew under the same name has no status yet", () => {
  const { writes } = rig();
  writes.want(metadata, status(1), undefined);
  expect(writes.wanted({ ...metadata, uid: "new" })).toBeUndefined();
});

/** A status that was written and has come back. */
async function standing() {
  const parts = rig();
  const { sent, writes } = parts;
  writes.start();
  writes.want(metadata, status(1), undefined);
  sent[0]?.answer();
  await turn();
  const stands = shown(1);
  writes.observe({ ...metadata, resourceVersion: "101" }, stands);
  return { ...parts, stands };
}

test("of a status that stands nothing is kept but the cache's own", async () => {
  const { stands, writes } = await standing();
  const read = vi.spyOn(stands, "read");
  expect(writes.wanted(metadata)).toEqual(status(1));
  expect(read).toHaveBeenCalledOnce();
});

test("a status that stands is not written again", async () => {
  const { sent, stands, writes } = await standing();
  writes.want(metadata, status(1), stands);
  writes.observe({ ...metadata, resourceVersion: "102" }, stands);
  expect([sent.length, writes.dirtyCount]).toEqual([1, 0]);
});

test("what somebody else writes over one that stands is written again", async () => {
  const { sent, writes } = await standing();
  writes.observe({ ...metadata, resourceVersion: "102" }, shown(0));
  expect(sent.map(({ object }) => object)).toMatchObject([
    { status: status(1) },
    { status: status(1) },
  ]);
});

test("a reconcile that began before the write came back does not write again", async () => {
  const { sent, writes } = await standing();
  writes.want(metadata, status(1), undefined);
  expect(sent).toHaveLength(1);
});

test("counts of one that stands change no sooner than 30 s after its last write", async () => {
  const { clock, sent, stands, timers, writes } = await standing();
  writes.want(metadata, status(2), stands);
  expect([sent.length, writes.dirtyCount]).toEqual([1, 1]);
  clock.advance(30_000);
  timers[0]?.();
  expect(sent[1]?.object).toMatchObject({ status: status(2) });
});

test("a status that the cache shows already is not written", () => {
  const { sent, writes } = rig();
  writes.start();
  writes.want(metadata, status(1), shown(1));
  expect([sent.length, writes.wanted(metadata)]).toEqual([0, status(1)]);
});

test("one that stands says nothing of the successor of its object", async () => {
  const { writes } = await standing();
  const successor = { ...metadata, uid: "new" };
  expect(writes.wanted(successor)).toBeUndefined();
  writes.observe(successor, shown(0));
  expect(writes.dirtyCount).toBe(0);
});

test.each<[string, Partial<StoredMetadata>, boolean]>([
  ["a version", { resourceVersion: "8" }, false],
  ["the generation", { generation: 2 }, true],
  ["the annotation", { annotations: { "spillway.dev/reconcile": "paused" } }, true],
  ["the end", { deletionTimestamp: "2026-01-01T00:00:00Z" }, true],
  ["the object", { uid: "other" }, true],
])("a change of %s alone wakes a reconcile: %j %j", (_, change, expected) => {
  expect(differsBesidesStatus(metadata, { ...metadata, ...change })).toBe(expected);
});
