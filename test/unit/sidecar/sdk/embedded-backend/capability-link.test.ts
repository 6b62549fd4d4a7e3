import { StringValueSchema as Text } from "@bufbuild/protobuf/wkt";
import { expect, onTestFinished, test } from "vitest";
import type { ProblemCode } from "../../../../../sidecar/api/ports.ts";
import { EmbeddedCapabilityLink } from "../../../../../sidecar/sdk/embedded-backend/capability-link.ts";
import type { SdkWarning } from "../../../../../sidecar/sdk/warning.ts";
import { eventually } from "../../../../support/eventually.ts";
import type { MemoryNode } from "../../../../support/memory-node.ts";
import { textNode } from "../../../../support/sdk-host.ts";

const names = { request: Text.typeName, response: Text.typeName };
const spec = {
  name: "texts",
  contract: { ...names, descriptorSet: () => new Uint8Array() },
  concurrency: 1,
  maxDemands: 8,
};

function open(node: MemoryNode) {
  const warnings: SdkWarning[] = [];
  const listener = { onLeaseEnded: () => undefined };
  const link = new EmbeddedCapabilityLink(spec, listener, {
    open: async () => node,
    leave: async () => undefined,
    warn: (warning) => warnings.push(warning),
  });
  onTestFinished(() => link.close());
  return { link, warnings };
}

/** Refuses pulls until told otherwise. @returns how many pulls came. */
function refusing(node: MemoryNode, code: ProblemCode) {
  const pulls = { count: 0, refused: true };
  const pull = node.pull.bind(node);
  node.pull = async (...args) => {
    pulls.count += 1;
    if (!pulls.refused) return pull(...args);
    return { ok: false, refusal: { code, detail: `refused with ${code}` } };
  };
  return pulls;
}

test("a refused pull is tried again, and told of once", async () => {
  const node = textNode();
  const pulls = refusing(node, "TOO_MANY_WAITERS");
  const { link, warnings } = open(node);
  await node.add("texts", new Uint8Array(), {});
  const delivery = link.pull(new AbortController().signal);
  await eventually(() => expect(pulls.count).toBeGreaterThanOrEqual(3));
  pulls.refused = false;
  expect(await delivery).toMatchObject({ ticket: "t1" });
  expect(warnings).toMatchObject([{ code: "REFUSED" }]);
});

test("a presence that the node no longer knows is opened anew", async () => {
  const node = textNode();
  const { link } = open(node);
  await eventually(() => expect(node.presences.size).toBe(1));
  node.presences.clear();
  await node.add("texts", new Uint8Array(), {});
  expect(await link.pull(new AbortController().signal)).toMatchObject({ ticket: "t1" });
  expect(node.presences.size).toBe(1);
});

test.each(["UNKNOWN_CAPABILITY", "DRAINING"] as const)("%s is final", async (code) => {
  const node = textNode();
  const pulls = refusing(node, code);
  const { link, warnings } = open(node);
  const stop = new AbortController();
  const pulled = link.pull(stop.signal);
  await eventually(() => expect(warnings).toHaveLength(1));
  stop.abort();
  expect(await pulled).toBeUndefined();
  expect(pulls.count).toBe(1);
});

test.each(["the slot is stopped", "the link is closed"])("no retry outlives %s", async (what) => {
  const node = textNode();
  const pulls = refusing(node, "INTERNAL");
  const { link } = open(node);
  const stop = new AbortController();
  const pulled = link.pull(stop.signal);
  await eventually(() => expect(pulls.count).toBeGreaterThanOrEqual(2));
  if (what === "the slot is stopped") stop.abort();
  else await link.close();
  expect(await pulled).toBeUndefined();
});
