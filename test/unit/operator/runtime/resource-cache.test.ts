import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type ApiClient,
  ResourceCache,
  type ResourceCacheOptions,
  type StoreChange,
} from "../../../../operator/runtime/index.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeApiServer } from "../../../support/fake-api-server.ts";
import {
  runtimeRig,
  seriesOf,
  type Widget,
  widget,
  widgets,
  widgetsPath,
} from "../../../support/runtime-rig.ts";

let server: FakeApiServer;
let client: ApiClient;
let rig: ReturnType<typeof runtimeRig>;
const caches: ResourceCache<Widget>[] = [];

beforeEach(async () => {
  server = await FakeApiServer.start();
  rig = runtimeRig();
  client = rig.client(server);
});

afterEach(async () => {
  for (const cache of caches.splice(0)) await cache.stop();
  await client.close();
  await server.stop();
});

function cacheOf(options: Partial<ResourceCacheOptions<Widget>> = {}) {
  const { surroundings, metrics } = rig;
  const settings = { resource: widgets, namespace: "default", ...options };
  const cache = new ResourceCache<Widget>(settings, { client, surroundings, metrics });
  caches.push(cache);
  const changes: string[] = [];
  cache.onChange(({ type, object }) => changes.push(`${type} ${object.metadata.name}`));
  return { cache, changes };
}

async function synced(options: Partial<ResourceCacheOptions<Widget>> = {}) {
  const built = cacheOf(options);
  built.cache.start();
  await built.cache.synced();
  return built;
}

describe.each([{ streamedList: true }, { streamedList: false, pageSize: 2 }])(
  "a cache (streamedList $streamedList)",
  (options) => {
    it("is whole when it says so, and follows every change", async () => {
      for (const name of ["a", "b", "c", "d", "e"]) server.put(widgetsPath, widget(name));
      const { cache, changes } = await synced(options);
      expect(cache.size).toBe(5);
      expect(changes).toEqual(["a", "b", "c", "d", "e"].map((name) => `upserted ${name}`));
      server.put(widgetsPath, widget("b", 7));
      server.remove(`${widgetsPath}/c`);
      await eventually(() => changes.length === 7);
      expect(cache.get("default/b")?.spec?.size).toBe(7);
      expect(cache.get("default/c")).toBeUndefined();
    });

    it("lists again when its version is too old, telling only what changed meanwhile", async () => {
      for (const name of ["a", "b", "c"]) server.put(widgetsPath, widget(name));
      const { cache, changes } = await synced(options);
      await eventually(() => server.watchCount === 1);
      changes.length = 0;
      await rig.time.elapse(2_000);
      server.endWatches("reset");
      server.put(widgetsPath, widget("b", 2));
      server.remove(`${widgetsPath}/c`);
      server.compact();
      await eventually(async () => {
        await rig.time.elapse(100);
        return changes.length === 2;
      });
      expect(changes.toSorted()).toEqual(["removed c", "upserted b"]);
      expect(cache.hasSynced).toBe(true);
    });
  },
);

describe("a cache", () => {
  it("goes on where it was after its watch ended, without a list", async () => {
    server.put(widgetsPath, widget("a"));
    const { changes } = await synced();
    await eventually(() => server.watchCount === 1);
    server.endWatches("end");
    server.put(widgetsPath, widget("b"));
    await eventually(async () => {
      await rig.time.elapse(100);
      return changes.includes("upserted b");
    });
    const lists = server.requests.filter(({ url }) => url.includes("sendInitialEvents"));
    expect(lists.length).toBe(1);
  });

  it("gives up a watch that is silent for too long", async () => {
    await synced({ silenceMs: 30_000 });
    await eventually(() => server.watchCount === 1);
    await rig.time.elapse(29_000);
    server.bookmark();
    await eventually(async () => {
      await rig.time.elapse(500);
      return (await seriesOf(rig.metrics, "reflector_silences_total")) === 1;
    });
    await eventually(async () => {
      await rig.time.elapse(100);
      return server.requests.length === 2 && server.watchCount === 1;
    });
  });

  it("goes on when a handler throws, and tells the others", async () => {
    const { cache } = cacheOf();
    const seen: string[] = [];
    cache.onChange(() => {
      throw new Error("handler");
    });
    cache.onChange(({ object }) => seen.push(object.metadata.name));
    cache.start();
    await cache.synced();
    server.put(widgetsPath, widget("a"));
    server.put(widgetsPath, widget("b"));
    await eventually(() => seen.length === 2);
    expect(await seriesOf(rig.metrics, "reflector_handler_errors_total")).toBe(2);
    expect(rig.lines).toContain("a change handler threw; the cache goes on");
  });

  it("tells a late handler of what is there", async () => {
    server.put(widgetsPath, widget("a"));
    const { cache } = await synced();
    const seen: StoreChange<Widget>[] = [];
    cache.onChange((change) => seen.push(change));
    expect(seen).toMatchObject([{ type: "upserted", object: { metadata: { name: "a" } } }]);
  });

  it("stops for good: no request is left, no handler is called, none can begin", async () => {
    const { cache, changes } = await synced();
    await eventually(() => server.watchCount === 1);
    await cache.stop();
    await eventually(() => server.watchCount === 0);
    server.put(widgetsPath, widget("late"));
    cache.start();
    await rig.time.elapse(1_000_000);
    expect(changes).toEqual([]);
    expect(server.requests.length).toBe(1);
    expect(rig.time.timerCount).toBe(0);
  });

  it("that is stopped before it is whole lets nobody wait", async () => {
    server.fail({ answer: "silence" });
    const { cache } = cacheOf();
    cache.start();
    const waiting = cache.synced().catch((error: unknown) => error);
    await eventually(() => server.requests.length === 1);
    await cache.stop();
    expect(await waiting).toMatchObject({ code: "ABORTED" });
  });

  it("reads in pages where the server does not stream lists", async () => {
    server.fail({ answer: 422, matching: /sendInitialEvents/, reason: "Invalid" });
    server.put(widgetsPath, widget("a"));
    const { cache } = await synced();
    expect(cache.list().map(({ metadata }) => metadata.name)).toEqual(["a"]);
    expect(server.requests[1]?.url).toContain("limit=500");
  });

  it("waits as long as the server asks before it lists again", async () => {
    server.fail({ answer: 429, retryAfter: 7 });
    const { cache } = cacheOf();
    cache.start();
    await eventually(() => rig.lines.length === 1);
    await rig.time.elapse(6_990);
    expect(server.requests.length).toBe(1);
    await rig.time.elapse(20);
    await cache.synced();
  });

  it.each(["no json\n", '{"type":"ADDED"}\n', "[]\n", '{"type":"ODD","object":{}}\n'])(
    "outlives what is no event: %j",
    async (text) => {
      const { changes } = await synced();
      await eventually(() => server.watchCount === 1);
      server.writeToWatches(text);
      server.put(widgetsPath, widget("after"));
      await eventually(async () => {
        await rig.time.elapse(100);
        return changes.includes("upserted after");
      });
    },
  );

  it("shows what it keeps of an object to who takes in the next version", async () => {
    const seen: (string | undefined)[] = [];
    const transform = (object: Widget, known: Widget | undefined): Widget => {
      seen.push(known?.metadata.resourceVersion);
      return object;
    };
    const first = server.put(widgetsPath, widget("a")).metadata.resourceVersion;
    const { changes } = await synced({ transform });
    server.put(widgetsPath, widget("a"));
    await eventually(() => changes.length === 2, { what: "the change" });
    expect(seen).toEqual([undefined, first]);
  });

  it("keeps no bookkeeping of the API, and finds by index", async () => {
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "{}", own: "1" };
    const metadata = { name: "a", managedFields: [{ manager: "x" }], annotations };
    server.put(widgetsPath, { metadata, spec: { size: 5 } });
    server.put(widgetsPath, widget("b", 9));
    const bySize = (object: Widget): string[] => [String(object.spec?.size)];
    const { cache } = await synced({ indexes: { size: bySize } });
    const [found] = cache.byIndex("size", "5");
    expect(found?.metadata).not.toHaveProperty("managedFields");
    expect(found?.metadata.annotations).toEqual({ own: "1" });
    server.put(widgetsPath, widget("a", 9));
    await eventually(() => cache.byIndex("size", "9").length === 2);
    expect(cache.byIndex("size", "5")).toEqual([]);
    expect(() => cache.byIndex("shape", "5")).toThrow(/no index shape/);
  });
});
