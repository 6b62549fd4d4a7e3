import { expect, test } from "vitest";
import { ContractBook } from "../../../../sidecar/api/contract-book.ts";
import { apiLimits } from "../../../../sidecar/api/limits.ts";
import { memoryNode } from "../../../support/api-fixture.ts";

test("resolves a contract once, and again when its content changed", () => {
  const node = memoryNode();
  const book = new ContractBook(node);
  const first = book.resolve("demand", "pictures");
  const second = book.resolve("capability", "resizer");
  expect(first.ok && second.ok && first.value === second.value).toBe(true);
  const found = node.contractOf("demand", "pictures");
  if (found === undefined) throw new Error("no contract");
  const changed = { ...found, contract: { ...found.contract, descriptorSet: "other" } };
  node.contractOf = () => changed;
  const third = book.resolve("demand", "pictures");
  expect(first.ok && third.ok && first.value !== third.value).toBe(true);
});

test("names what there is none of", () => {
  const book = new ContractBook(memoryNode());
  expect(book.resolve("demand", "resizer")).toMatchObject({ refusal: { code: "UNKNOWN_DEMAND" } });
  expect(book.resolve("capability", "x")).toMatchObject({
    refusal: { code: "UNKNOWN_CAPABILITY" },
  });
});

test("a configured set that cannot be used is a fault of the sidecar, with the reason", () => {
  const node = memoryNode();
  const contract = { request: "a.B", response: "a.B", descriptorSet: "x" };
  node.contractOf = () => ({ contract, descriptorSet: new Uint8Array() });
  expect(new ContractBook(node).resolve("demand", "d")).toMatchObject({
    refusal: { code: "INTERNAL", detail: expect.stringContaining("a.B") },
  });
});

test("keeps no more than its bound", () => {
  const node = memoryNode();
  const found = node.contractOf("demand", "pictures");
  if (found === undefined) throw new Error("no contract");
  let calls = 0;
  const book = new ContractBook({
    contractOf: (_kind, name) => {
      calls += 1;
      return { ...found, contract: { ...found.contract, descriptorSet: name } };
    },
  });
  const first = book.resolve("demand", "0");
  for (let n = 1; n <= apiLimits.resolvedContracts; n++) book.resolve("demand", String(n));
  const again = book.resolve("demand", "0");
  expect(first.ok && again.ok && first.value !== again.value).toBe(true);
  expect(calls).toBe(apiLimits.resolvedContracts + 2);
});
