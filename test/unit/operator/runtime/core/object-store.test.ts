import { describe, expect, it } from "vitest";
import { ObjectStore } from "../../../../../operator/runtime/core/object-store.ts";
import type { ApiObject } from "../../../../../operator/runtime/index.ts";

interface Thing extends ApiObject {
  readonly colors: readonly string[];
}

function thing(name: string, version: number, ...colors: string[]): Thing {
  return { metadata: { name, uid: `uid-${name}`, resourceVersion: `${version}` }, colors };
}

function storeOf() {
  return new ObjectStore<Thing>({ color: ({ colors }) => colors });
}

function names(things: Iterable<Thing>): string[] {
  return [...things].map(({ metadata }) => metadata.name).sort();
}

describe("a store", () => {
  it("keeps the newest version of each object, and says what was before", () => {
    const store = storeOf();
    const [first, second] = [thing("a", 9), thing("a", 10)];
    expect(store.upsert(first)).toEqual({ type: "upserted", object: first, previous: undefined });
    expect(store.upsert(second)).toEqual({ type: "upserted", object: second, previous: first });
    expect(store.upsert(first)).toBeUndefined();
    expect(store.upsert(second)).toBeUndefined();
    expect(store.get("a")).toBe(second);
    expect(store.size).toBe(1);
  });

  it("takes another object under the same name, whatever its version", () => {
    const store = storeOf();
    store.upsert(thing("a", 10));
    const other = { ...thing("a", 3), metadata: { name: "a", uid: "other", resourceVersion: "3" } };
    expect(store.upsert(other)).toMatchObject({ type: "upserted" });
    expect(store.get("a")).toBe(other);
  });

  it("removes once, and not what took the name since", () => {
    const store = storeOf();
    const old = thing("a", 5);
    store.upsert(old);
    const removal = thing("a", 6);
    expect(store.remove(removal)).toEqual({ type: "removed", object: removal });
    expect(store.remove(removal)).toBeUndefined();
    const next = { ...old, metadata: { name: "a", uid: "next", resourceVersion: "8" } };
    store.upsert(next);
    expect(store.remove(removal)).toBeUndefined();
    expect(store.get("a")).toBe(next);
  });

  it("finds by index what has the value now", () => {
    const store = storeOf();
    store.upsert(thing("a", 1, "red", "blue"));
    store.upsert(thing("b", 2, "red"));
    expect(names(store.byIndex("color", "red"))).toEqual(["a", "b"]);
    store.upsert(thing("a", 3, "green"));
    expect(names(store.byIndex("color", "red"))).toEqual(["b"]);
    expect(names(store.byIndex("color", "green"))).toEqual(["a"]);
    store.remove(thing("b", 4));
    expect(store.byIndex("color", "red")).toEqual([]);
    expect(() => store.byIndex("size", "1")).toThrow(/no index size; there is: color/);
  });

  it("drops at the end of a replacement what was not named in it", () => {
    const store = storeOf();
    for (const name of ["a", "b", "c"]) store.upsert(thing(name, 1, "red"));
    store.beginReplace();
    store.upsert(thing("a", 1, "red"));
    store.upsert(thing("c", 5, "blue"));
    expect(store.endReplace()).toMatchObject([
      { type: "removed", object: { metadata: { name: "b" } } },
    ]);
    expect(names(store.values())).toEqual(["a", "c"]);
    expect(names(store.byIndex("color", "red"))).toEqual(["a"]);
  });

  it("forgets a replacement that was begun anew: only the last one counts", () => {
    const store = storeOf();
    store.beginReplace();
    store.upsert(thing("a", 1));
    store.beginReplace();
    store.upsert(thing("b", 2));
    expect(store.endReplace()).toMatchObject([{ object: { metadata: { name: "a" } } }]);
  });
});
