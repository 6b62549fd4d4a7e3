import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { keptDemand } from "../../../../operator/control/desired-resource.ts";
import type { Answer } from "../../../../operator/control/session.ts";
import {
  AcknowledgementSchema,
  ReportSchema,
} from "../../../../proto/gen/spillway/control/v1/control_pb.ts";
import { HeldConfig } from "../../../../sidecar/core/control/index.ts";
import { testCapability, testDemand, testPod } from "../../../support/control-rig.ts";
import { HubRig } from "../../../support/hub-rig.ts";
import { readable, storedDemand } from "../../../support/reconcile-rig.ts";

function take(held: HeldConfig, told: readonly Answer[]): void {
  for (const it of told) {
    if (it.case === "descriptorSet") held.takeDescriptorSet(it.value);
    else if (it.case === "configDelta") expect(held.takeConfig(it.value)).toBe("taken");
  }
}

function uids(held: HeldConfig) {
  return held.demands().map(({ resource }) => resource?.uid);
}

/** What a sidecar holds of these Demands when the operator that told them is gone. */
function heldOf(demands: readonly ReturnType<typeof testDemand>[]) {
  const before = HubRig.leading();
  const pod = before.assign(testPod(), { demands: [...demands] });
  const held = new HeldConfig();
  take(held, before.takeAll(before.attach(pod)));
  return { pod, held };
}

test("what a new operator cannot tell is left as the sidecar holds it, until it is gone", () => {
  const [first, second, third] = [testDemand(), testDemand(), testDemand()];
  const { pod, held } = heldOf([first, second, third]);
  expect(uids(held)).toHaveLength(3);

  const after = HubRig.leading();
  const { uid, namespace, name } = first;
  const kept = keptDemand({ uid, namespace, name, spec: readable(storedDemand()).spec });
  after.assign(pod, { demands: [kept], unreadUids: [second.uid] });
  const { configVersion } = held;
  const stream = after.attach(pod, configVersion === undefined ? {} : { configVersion });
  take(held, after.takeAll(stream));
  expect(uids(held)).toEqual([first.uid, second.uid]);
  expect(held.descriptorSets()).toHaveLength(1);

  after.assign(pod, { demands: [kept] });
  take(held, after.takeAll(stream));
  expect(uids(held)).toEqual([first.uid]);
});

test("what is left as it is has its reports, like anything that is told", () => {
  const rig = HubRig.leading();
  const { uid, namespace, name, route } = testDemand();
  const kept = keptDemand({ uid, namespace, name, spec: readable(storedDemand()).spec });
  expect(kept.route).toBe(route);
  const { pod, stream } = rig.attached({ demands: [kept], unreadUids: ["unread"] });
  const demands = [uid, "unread"].map((each) => ({ resource: { uid: each, generation: 1n } }));
  rig.send(stream, { case: "report", value: create(ReportSchema, { demands }) });
  const known = rig.hub.sidecar(pod.uid)?.report?.demands.map(({ resource }) => resource?.uid);
  expect(known).toEqual([uid]);
  expect(rig.takeAll(stream).map((it) => it.case)).not.toContain("refusal");
});

test("a sidecar is told as a host of what is left as it is once it says that it holds it", () => {
  const rig = HubRig.leading();
  const { uid, namespace, name } = testDemand();
  const kept = keptDemand({ uid, namespace, name, spec: readable(storedDemand()).spec });
  const provider = rig.attached({ capabilities: [testCapability()] }, testPod("worker-0"));
  const pod = rig.assign(testPod(), { demands: [kept], ips: ["10.0.0.8"] });
  const stream = rig.attach(pod, { peerAddress: { addresses: ["10.0.0.8"], port: 7_000 } });
  rig.elapse(1_000);
  const hosts = () =>
    rig
      .takeAll(provider.stream)
      .flatMap((it) => (it.case === "peersDelta" ? it.value.peers : []))
      .map(({ nodeId }) => nodeId);
  expect(hosts()).toEqual([]);
  const acknowledgement = { resources: [{ resource: { uid, generation: 1n } }] };
  rig.send(stream, {
    case: "acknowledgement",
    value: create(AcknowledgementSchema, acknowledgement),
  });
  rig.elapse(1_000);
  expect(hosts()).toEqual([pod.uid]);
});

test("what is left as it is differs by resource, and by what peers are told of it", () => {
  const spec = readable(storedDemand()).spec;
  const names = { namespace: "shop", name: "thumbnails" };
  const digests = [
    keptDemand({ ...names, uid: "a", spec }),
    keptDemand({ ...names, uid: "b", spec }),
    keptDemand({ ...names, uid: "a", spec: { ...spec, maxProviders: spec.maxProviders + 1 } }),
  ].map(({ part }) => part.digest);
  expect(new Set(digests).size).toBe(3);
});
