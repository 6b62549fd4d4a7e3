import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  Applied,
  CertificateSchema,
  RefusalCode,
} from "../../../../proto/gen/spillway/control/v1/control_pb.ts";
import { testCapability, testDemand, testPod } from "../../../support/control-rig.ts";
import { HubRig, kinds, only } from "../../../support/hub-rig.ts";

describe("what a sidecar tells", () => {
  test("is kept as far as it selects the pod; the rest is dropped and refused", () => {
    const rig = HubRig.leading();
    const [mine, foreign] = [testDemand(), testDemand()];
    rig.assign(testPod("other"), { demands: [foreign] });
    const { pod, stream } = rig.attached({ demands: [mine] });
    const counts = { ready: 3n };
    rig.send(stream, {
      case: "report",
      value: {
        demands: [
          { resource: { uid: mine.uid, generation: 1n }, counts },
          { resource: { uid: foreign.uid, generation: 1n }, counts },
        ],
      },
    });
    const report = rig.hub.sidecar(pod.uid)?.report;
    expect(report?.demands.map((it) => it.resource?.uid)).toEqual([mine.uid]);
    const refused = only(rig.takeAll(stream), "refusal");
    expect(refused).toMatchObject({ code: RefusalCode.NOT_SELECTED, uid: foreign.uid });
    expect(rig.ended.size).toBe(0);
  });

  test("a Demand can't be reported as a Capability, nor acknowledged by another pod", () => {
    const rig = HubRig.leading();
    const [mine, foreign] = [testDemand(), testDemand()];
    const { pod, stream } = rig.attached({ demands: [mine] });
    rig.send(stream, {
      case: "report",
      value: { capabilities: [{ resource: { uid: mine.uid, generation: 1n } }] },
    });
    expect(rig.hub.sidecar(pod.uid)?.report?.capabilities).toEqual([]);
    rig.send(stream, {
      case: "acknowledgement",
      value: {
        resources: [mine, foreign].map(({ uid }) => ({
          resource: { uid, generation: 1n },
          applied: Applied.IN_FORCE,
        })),
      },
    });
    expect([...(rig.hub.sidecar(pod.uid)?.acknowledged?.keys() ?? [])]).toEqual([mine.uid]);
  });

  test("what was said before the pod was known counts once it is", () => {
    const rig = HubRig.leading();
    const pod = testPod();
    const demand = testDemand();
    const stream = rig.attach(pod);
    const resource = { uid: demand.uid, generation: 4n };
    rig.send(stream, {
      case: "acknowledgement",
      value: { resources: [{ resource, applied: Applied.IN_FORCE }] },
    });
    expect(kinds(rig.takeAll(stream))).toEqual(["welcome"]);
    rig.assign(pod, { demands: [demand] });
    const acknowledged = rig.hub.sidecar(pod.uid)?.acknowledged;
    expect(acknowledged?.get(demand.uid)?.resource?.generation).toBe(4n);
  });

  test("is unknown, not zero, after the sidecar started anew", () => {
    const rig = HubRig.leading();
    const { pod, stream } = rig.attached();
    rig.send(stream, { case: "report", value: {} });
    expect(rig.hub.sidecar(pod.uid)?.report).toBeDefined();
    rig.attach(pod, { incarnation: 0n });
    expect(rig.hub.sidecar(pod.uid)?.report).toBeDefined();
    rig.attach(pod, { incarnation: 1n });
    expect(rig.hub.sidecar(pod.uid)?.report).toBeUndefined();
  });

  test.each([
    ["hello", { case: "hello" as const, value: {} }],
    [
      "report",
      {
        case: "report" as const,
        value: { demands: Array.from({ length: 257 }, () => ({ resource: { uid: "a" } })) },
      },
    ],
    ["report", { case: "report" as const, value: { peerAddress: { addresses: ["x"], port: 1 } } }],
    [
      "report",
      {
        case: "report" as const,
        value: { demands: [{ resource: { uid: "a" }, connectedProviders: ["no/node"] }] },
      },
    ],
    [
      "acknowledgement",
      {
        case: "acknowledgement" as const,
        value: { resources: [{ resource: { uid: "u" }, message: "x".repeat(1_025) }] },
      },
    ],
    [
      "quiesce_confirmation",
      { case: "quiesceConfirmation" as const, value: { capabilities: [{ uid: "u".repeat(64) }] } },
    ],
  ])("a %s that is none ends the stream and names itself", (name, kind) => {
    const rig = HubRig.leading();
    const { stream } = rig.attached();
    rig.send(stream, kind);
    expect(rig.ended.get(stream)).toMatchObject({ code: RefusalCode.MESSAGE_INVALID });
    expect(rig.ended.get(stream)?.message).toContain(`message ${name} is refused`);
    expect(rig.hub.streamCount).toBe(0);
  });

  test("a message of a newer kind changes nothing", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached();
    rig.send(stream, undefined);
    expect(rig.ended.size).toBe(0);
  });

  test("more than 100 messages at once end the stream", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached();
    for (let count = 0; count < 100; count++) rig.send(stream, { case: "report", value: {} });
    expect(rig.ended.size).toBe(0);
    rig.send(stream, { case: "report", value: {} });
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.RATE_EXCEEDED);
  });

  test("a sidecar that reads nothing is ended, and its answers are bounded", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached();
    const foreign = { resources: [{ resource: { uid: "u", generation: 1n } }] };
    for (let count = 0; count < 70; count++) {
      rig.send(stream, { case: "acknowledgement", value: foreign });
      rig.elapse(50);
    }
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.TOO_SLOW);
  });
});

describe("certificates", () => {
  const request = { case: "certificateRequest" as const, value: { request: new Uint8Array(9) } };
  const issues = (rig: HubRig) => rig.effects.filter((it) => it.type === "issue");

  test("name and roles are the assignment's, not the sidecar's", () => {
    const rig = HubRig.leading();
    const pod = rig.assign(testPod(), { roles: ["relay"] });
    rig.send(rig.attach(pod), request);
    expect(issues(rig)).toMatchObject([
      { subject: { namespace: "shop", podUid: pod.uid, roles: ["relay"] } },
    ]);
  });

  test("a request waits until the pod is known", () => {
    const rig = HubRig.leading();
    const pod = testPod();
    rig.send(rig.attach(pod), request);
    expect(issues(rig)).toEqual([]);
    rig.assign(pod);
    expect(issues(rig)).toHaveLength(1);
  });

  test("one at a time, three at once, then one in 30 s; by the pod, not by the stream", () => {
    const rig = HubRig.leading();
    const { pod } = rig.attached();
    const answer = create(CertificateSchema, { certificatePem: "x" });
    const ask = () => {
      const stream = rig.attach(pod);
      rig.takeAll(stream);
      rig.send(stream, request);
      rig.tell({ type: "issued", stream, answer });
      return rig.takeAll(stream).filter((it) => it.case === "certificate" || it.case === "refusal");
    };
    for (let count = 0; count < 3; count++) expect(kinds(ask())).toEqual(["certificate"]);
    const [limited] = ask();
    expect(limited?.value).toMatchObject({ code: RefusalCode.CERTIFICATE_LIMIT });
    rig.elapse(29_000);
    rig.elapse(1_000);
    expect(kinds(ask()).at(-1)).toBe("certificate");
    const { stream } = rig.attached();
    rig.send(stream, request);
    rig.send(stream, request);
    expect(only(rig.takeAll(stream), "refusal").code).toBe(RefusalCode.CERTIFICATE_LIMIT);
  });

  test("another signer asks all sidecars to renew, 50 a second", () => {
    const rig = HubRig.leading();
    const streams = Array.from({ length: 100 }, (_, index) => {
      return rig.attached({}, testPod(`p-${index.toString()}`)).stream;
    });
    rig.tell({ type: "signerChanged" });
    const asked = () =>
      streams.filter((stream) => kinds(rig.takeAll(stream)).includes("certificateWanted")).length;
    rig.elapse(1_000);
    expect(asked()).toBeGreaterThan(45);
    expect(asked()).toBe(0);
    rig.elapse(1_000);
    expect(asked()).toBeGreaterThan(45);
  });

  test("other roles ask the sidecar to renew", () => {
    const rig = HubRig.leading();
    const { pod, stream } = rig.attached();
    rig.assign(pod, { roles: ["relay"] });
    expect(kinds(rig.takeAll(stream))).toEqual(["certificateWanted"]);
  });
});

describe("quiesce", () => {
  test("is told whole, confirmed by sequence, told again after a reconnect, and ends by itself", () => {
    const rig = HubRig.leading();
    const capability = testCapability();
    const { pod, stream } = rig.attached({ capabilities: [capability] });
    const capabilityUids = [capability.uid];
    rig.tell({ type: "quiesce", podUid: pod.uid, capabilityUids, ttlMs: 30_000 });
    const told = only(rig.takeAll(stream), "quiesce");
    expect(told).toMatchObject({ sequence: 101n, capabilityUids });
    const confirm = (sequence: bigint) =>
      rig.send(stream, {
        case: "quiesceConfirmation",
        value: { sequence, capabilities: [{ uid: capability.uid, idle: true }, { uid: "x" }] },
      });
    confirm(100n);
    expect(rig.hub.sidecar(pod.uid)?.quiesced.size).toBe(0);
    confirm(101n);
    expect([...(rig.hub.sidecar(pod.uid)?.quiesced.keys() ?? [])]).toEqual([capability.uid]);
    rig.elapse(10_000);
    const again = rig.attach(pod);
    expect(only(rig.takeAll(again), "quiesce").ttl?.seconds).toBe(20n);
    rig.elapse(20_000);
    expect(kinds(rig.takeAll(rig.attach(pod)))).not.toContain("quiesce");
  });

  test("an empty order un-quiesces; without one before it nothing is told", () => {
    const rig = HubRig.leading();
    const { pod, stream } = rig.attached();
    rig.tell({ type: "quiesce", podUid: pod.uid, capabilityUids: [], ttlMs: 1_000 });
    expect(rig.takeAll(stream)).toEqual([]);
    rig.tell({ type: "quiesce", podUid: pod.uid, capabilityUids: ["a"], ttlMs: 1_000 });
    rig.tell({ type: "quiesce", podUid: pod.uid, capabilityUids: [], ttlMs: 1_000 });
    expect(only(rig.takeAll(stream), "quiesce").capabilityUids).toEqual([]);
  });
});
