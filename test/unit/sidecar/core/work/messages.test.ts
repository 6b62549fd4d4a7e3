/** The engines' literals are what `create()` of the generated code makes, and survive the wire. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  CreditSchema,
  DeliverSchema,
  LeaseSchema,
  ProvidersSchema,
  SettledSchema,
  SettledStatus,
  ToDemandSchema,
  ToProviderSchema,
} from "../../../../../proto/gen/spillway/work/v1/work_pb.ts";
import {
  credit,
  deliver,
  leaseOf,
  providersOf,
  settled,
} from "../../../../../sidecar/core/work/messages.ts";
import { CapabilityRig } from "../../../../support/capability-rig.ts";
import { DemandRig } from "../../../../support/demand-rig.ts";

describe("literals", () => {
  test("lease, settled, credit, deliver, providers", () => {
    const lease = leaseOf(5, 2);
    expect(lease).toEqual(create(LeaseSchema, { sequence: 5n, delivery: 2 }));
    expect(settled([lease], SettledStatus.ACCEPTED, "done").kind.value).toEqual(
      create(SettledSchema, { leases: [lease], status: SettledStatus.ACCEPTED, state: "done" }),
    );
    expect(credit(3, 1).kind.value).toEqual(create(CreditSchema, { limit: 3n, revision: 1 }));
    expect(deliver([]).kind.value).toEqual(create(DeliverSchema));
    const counts = { desired: 1, max: 2, connected: 3 };
    expect(providersOf(counts)).toEqual(create(ProvidersSchema, counts));
  });
});

test("every message that the engines send is the same after the wire", () => {
  const demand = new DemandRig({ maxProviders: 1 });
  const worker = demand.provider("worker-0", 1);
  demand.add({ deadlineMs: 100, traceparent: "00-1-2-01" });
  demand.add();
  worker.renew([leaseOf(99, 1)]);
  worker.credit(-1);
  demand.pass(500);
  demand.open("worker-1").hello();
  demand
    .open("worker-2")
    .hello({ contract: { request: "", response: "", contractHash: new Uint8Array() } });
  demand.handle({ type: "drain" });
  demand.open("worker-3").hello();
  const cases = new Set<string | undefined>();
  for (const effect of demand.effects) {
    if (effect.type !== "send") continue;
    cases.add(effect.message.kind.case);
    const bytes = toBinary(ToProviderSchema, effect.message);
    expect(fromBinary(ToProviderSchema, bytes)).toEqual(effect.message);
  }
  expect([...cases].toSorted()).toEqual([
    "admit",
    "backlog",
    "cancel",
    "creditTaken",
    "deliver",
    "draining",
    "full",
    "incompatible",
    "providers",
    "settled",
  ]);
});

test("every message that the provider sends is the same after the wire", () => {
  const rig = new CapabilityRig({ concurrency: 9 });
  const demand = rig.join("web-0");
  const error = { code: "BAD", message: "no", retryable: true, details: "{}" };
  const call = rig.pull(9);
  demand.deliver(1, 2, 3, 4, 5);
  const leases = rig.pulled(call).map(({ lease }) => lease);
  const verbs = [
    { verb: "complete", result: new Uint8Array([1]) },
    { verb: "fail", error, delayMs: 5 },
    { verb: "reject", error },
    { verb: "release", reason: "x".repeat(5_000) },
    { verb: "heartbeat" },
  ] as const;
  for (const [index, verb] of verbs.entries()) rig.verb(leases[index] ?? "", verb);
  const obstacle = { kind: "notReady", port: 80, detail: "503" } as const;
  rig.handle({ type: "obstacle", obstacle });
  rig.handle({ type: "close", reason: "over" });
  const cases = new Set<string | undefined>();
  for (const effect of rig.effects) {
    if (effect.type !== "send") continue;
    cases.add(effect.message.kind.case);
    const bytes = toBinary(ToDemandSchema, effect.message);
    expect(fromBinary(ToDemandSchema, bytes)).toEqual(effect.message);
  }
  expect([...cases].toSorted()).toEqual([
    "complete",
    "credit",
    "fail",
    "hello",
    "leave",
    "obstacle",
    "reject",
    "release",
    "renew",
    "started",
  ]);
  expect(demand.said("release")[0]?.reason).toHaveLength(4_096);
});
