import { expect, test } from "vitest";
import { askPods, maxAsked } from "../../../../operator/cluster/ask-pods.ts";
import { ClusterError } from "../../../../operator/cluster/cluster-error.ts";
import type { Pod } from "../../../../operator/cluster/resources.ts";

function podsOf(count: number): Pod[] {
  return Array.from({ length: count }, (_, index) => ({ metadata: { name: `web-${index}` } }));
}

test("the first hundred are asked, eight at a time", async () => {
  let asking = 0;
  let most = 0;
  const { answers, notAsked } = await askPods(podsOf(150), async ({ metadata }) => {
    asking += 1;
    most = Math.max(most, asking);
    await Promise.resolve();
    asking -= 1;
    return metadata.name;
  });
  expect([...answers.values()]).toEqual(podsOf(maxAsked).map(({ metadata }) => metadata.name));
  expect(most).toBe(8);
  expect(notAsked).toBeUndefined();
});

test("what holds for all of them ends it, and is told once", async () => {
  const forbidden = new ClusterError("FORBIDDEN", { text: "you may not", remedy: "Ask." });
  let asked = 0;
  const seen = await askPods(podsOf(100), async () => {
    asked += 1;
    throw forbidden;
  });
  expect(seen).toEqual({ answers: new Map(), notAsked: forbidden });
  expect(asked).toBe(8);
});

test("a bug is not taken for an answer", async () => {
  const bug = new TypeError("a bug");
  await expect(askPods(podsOf(1), () => Promise.reject(bug))).rejects.toBe(bug);
});
