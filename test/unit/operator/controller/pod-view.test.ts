import { expect, test } from "vitest";
import { observedPod } from "../../../../operator/controller/pod-view.ts";
import { podDeletionCost, removedFirst } from "../../../../operator/manifests/index.ts";

test.each([
  [removedFirst, true],
  ["-999", false],
  [undefined, false],
])("a deletion cost of %s is the operator's mark: %s", (cost, expected) => {
  const annotations = cost === undefined ? {} : { [podDeletionCost]: cost };
  const { removedFirst: marked } = observedPod({ metadata: { name: "a", annotations } });
  expect(marked).toBe(expected);
});
