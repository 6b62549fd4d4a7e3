import { expect, test } from "vitest";
import { contractOf } from "../../../../sidecar/api/contract-of.ts";
import { memoryNode } from "../../../support/api-fixture.ts";

test("hands on what the node has resolved, and resolves nothing itself", () => {
  const node = memoryNode();
  const found = contractOf(node, "demand", "pictures");
  expect(found.ok && found.value).toBe(node.contractOf("demand", "pictures"));
  expect(found.ok && found.value.request.typeName).toBe("pictures.Job");
});

test("names what there is none of", () => {
  const node = memoryNode();
  expect(contractOf(node, "demand", "resizer")).toMatchObject({
    refusal: { code: "UNKNOWN_DEMAND", detail: expect.stringContaining("GET /v1/demands") },
  });
  expect(contractOf(node, "capability", "x")).toMatchObject({
    refusal: { code: "UNKNOWN_CAPABILITY" },
  });
});
