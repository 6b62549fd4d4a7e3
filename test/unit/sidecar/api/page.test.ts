import fc from "fast-check";
import { expect, test } from "vitest";
import { pageOf } from "../../../../sidecar/api/page.ts";

const itself = (entry: string): string => entry;

test("pages together are the list in order, whatever comes or goes between them", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string(), { maxLength: 30 }),
      fc.integer({ min: 1, max: 7 }),
      (all, limit) => {
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const query = { limit, ...(cursor === undefined ? {} : { cursor }) };
          const { entries, next } = pageOf(all, itself, query);
          expect(entries.length).toBeLessThanOrEqual(limit);
          seen.push(...entries);
          cursor = next;
        } while (cursor !== undefined);
        expect(seen).toEqual([...all].sort());
      },
    ),
  );
});

test("an entry that was removed neither hides nor repeats another", () => {
  const first = pageOf(["a", "b", "c", "d"], itself, { limit: 2 });
  expect(first).toEqual({ entries: ["a", "b"], next: "b" });
  expect(pageOf(["a", "c", "d"], itself, { limit: 2, cursor: "b" })).toEqual({
    entries: ["c", "d"],
  });
});
