import { expect, test } from "vitest";
import type { LeaseVerb } from "../../../../sidecar/api/ports.ts";
import { NodeCluster } from "../../../support/node-cluster.ts";

const half = "\ud83d";
const error = {
  code: `${"C".repeat(63)}😀`,
  message: `${"m".repeat(4_095)}😀`,
  retryable: false,
  details: `"${half}"`,
};
const verbs: readonly LeaseVerb[] = [
  { verb: "fail", error },
  { verb: "reject", error },
];

async function pulled() {
  const cluster = new NodeCluster();
  const echo = [{ name: "echo" }];
  const both = await cluster.start("both", { demands: echo, capabilities: echo });
  const ticket = await cluster.add(both, "echo");
  const { lease } = await cluster.pull(both, "echo");
  const settle = (verb: LeaseVerb) =>
    cluster.after(both.node.capabilities.settle(lease, verb), 1_000);
  return { settle, item: () => both.node.demands.item(ticket) };
}

test.each(verbs)("the error of a $verb is cut to text that can be carried", async (verb) => {
  const { settle, item } = await pulled();
  expect(await settle(verb)).toMatchObject({ ok: true, value: { state: "dead" } });
  const carried = {
    code: `${"C".repeat(63)}\ufffd`,
    message: `${"m".repeat(4_095)}\ufffd`,
    retryable: false,
    details: '"\ufffd"',
  };
  expect(item()).toMatchObject({ value: { outcome: { kind: "error", error: carried } } });
});

test("the reason of a release may hold half a character", async () => {
  const { settle } = await pulled();
  expect(await settle({ verb: "release", reason: half })).toMatchObject({ ok: true });
});
