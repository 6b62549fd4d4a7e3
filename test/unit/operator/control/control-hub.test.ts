import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { controlLimits } from "../../../../operator/control/control-limits.ts";
import type { Answer } from "../../../../operator/control/session.ts";
import {
  Applied,
  CertificateSchema,
  RefusalCode,
  RefusalSchema,
} from "../../../../proto/gen/spillway/control/v1/control_pb.ts";
import { testCapability, testDemand, testPod } from "../../../support/control-rig.ts";
import { HubRig } from "../../../support/hub-rig.ts";

const digest = new Uint8Array(32);

type Kind = NonNullable<Answer["case"]>;

type Told<K extends Kind> = Extract<Answer, { case: K }>["value"];

function only<K extends Kind>(answers: readonly Answer[], kind: K): Told<K> {
  const found: unknown[] = answers.filter((it) => it.case === kind).map((it) => it.value);
  if (found.length !== 1) throw new Error(`${found.length} of ${kind}`);
  return found[0] as Told<K>;
}

const kinds = (answers: readonly Answer[]) => answers.map((it) => it.case);

describe("what a sidecar is told", () => {
  test("welcome, descriptor sets before the delta that names them, then peers", () => {
    const rig = HubRig.leading();
    const pod = rig.assign(testPod(), { demands: [testDemand()] });
    const told = rig.takeAll(rig.attach(pod));
    expect(kinds(told)).toEqual(["welcome", "descriptorSet", "configDelta", "peersDelta"]);
    expect(only(told, "configDelta").base).toBeUndefined();
    expect(only(told, "configDelta").version?.number).toBe(1n);
  });

  test("a descriptor set comes once, whatever names it, and not when Hello names it", () => {
    const rig = HubRig.leading();
    const pod = testPod();
    const first = testDemand();
    rig.assign(pod, { demands: [first] });
    const stream = rig.attach(pod);
    rig.takeAll(stream);
    rig.assign(pod, { demands: [first, testDemand({ name: "other" })] });
    expect(kinds(rig.takeAll(stream))).toEqual(["configDelta"]);
    const again = rig.attach(pod, { descriptorSets: [first.descriptorSet?.hash ?? ""] });
    expect(kinds(rig.takeAll(again))).not.toContain("descriptorSet");
  });

  test("a delta names what is new, changed and gone, and nothing else", () => {
    const rig = HubRig.leading();
    const [kept, changing, going] = [testDemand(), testDemand(), testDemand()];
    const { pod, stream } = rig.attached({ demands: [kept, changing, going] });
    const changed = testDemand({ uid: changing.uid, generation: 2, spec: { maxProviders: 3 } });
    const added = testCapability();
    rig.assign(pod, { demands: [kept, changed], capabilities: [added] });
    const delta = only(rig.takeAll(stream), "configDelta");
    expect(delta.base?.number).toBe(1n);
    expect(delta.version?.number).toBe(2n);
    expect(delta.demands.map((it) => it.resource?.uid)).toEqual([changing.uid]);
    expect(delta.capabilities.map((it) => it.resource?.uid)).toEqual([added.uid]);
    expect(delta.removed).toEqual([going.uid]);
    expect(delta.trustBundle).toBeUndefined();
    expect(delta.announcementKey).toHaveLength(0);
  });

  test("an assignment that says the same wakes to nothing", () => {
    const rig = HubRig.leading();
    const demand = testDemand();
    const { pod, stream } = rig.attached({ demands: [demand] });
    rig.assign(pod, { demands: [demand] });
    expect(rig.takeAll(stream)).toEqual([]);
  });

  test("many changes before it reads are one delta", () => {
    const rig = HubRig.leading();
    const { pod, stream } = rig.attached();
    for (let count = 1; count <= 20; count++) {
      rig.assign(pod, { demands: Array.from({ length: count }, () => testDemand()) });
    }
    const [delta, ...rest] = rig.takeAll(stream).filter((it) => it.case === "configDelta");
    expect(rest).toEqual([]);
    expect(delta?.case === "configDelta" ? delta.value.demands : []).toHaveLength(20);
  });

  test("a changed bundle comes down alone", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached({ demands: [testDemand()] });
    rig.bundlePem = "bundle 2";
    rig.tell({ type: "trustChanged" });
    const delta = only(rig.takeAll(stream), "configDelta");
    expect(delta.trustBundle?.pem).toBe("bundle 2");
    expect(delta.demands).toEqual([]);
  });

  test("the announcement key is the namespace's", () => {
    const rig = HubRig.leading();
    const keys = ["shop", "bank"].map((namespace) => {
      const pod = rig.assign(testPod("a", namespace));
      return only(rig.takeAll(rig.attach(pod)), "configDelta").announcementKey;
    });
    expect(keys[0]).not.toEqual(keys[1]);
  });

  test("a stream that resumes at what is wanted is told nothing again", () => {
    const rig = HubRig.leading();
    const demands = [testDemand()];
    const pod = rig.assign(testPod(), { demands });
    const told = rig.takeAll(rig.attach(pod));
    const configVersion = only(told, "configDelta").version;
    const peersVersion = only(told, "peersDelta").version;
    const resumed = {
      ...(configVersion && { configVersion }),
      ...(peersVersion && { peersVersion }),
    };
    expect(kinds(rig.takeAll(rig.attach(pod, resumed)))).toEqual(["welcome"]);
    // At another operator, which never saw this sidecar, the same.
    const other = HubRig.leading();
    other.assign(pod, { demands });
    expect(kinds(other.takeAll(other.attach(pod, resumed)))).toEqual(["welcome"]);
  });

  test("a stream that resumes one behind gets the difference; an unknown version gets all", () => {
    const rig = HubRig.leading();
    const [first, second] = [testDemand(), testDemand()];
    const pod = rig.assign(testPod(), { demands: [first] });
    const configVersion = only(rig.takeAll(rig.attach(pod)), "configDelta").version;
    rig.assign(pod, { demands: [first, second] });
    const behind = only(
      rig.takeAll(rig.attach(pod, configVersion && { configVersion })),
      "configDelta",
    );
    expect(behind.base).toEqual(configVersion);
    expect(behind.demands.map((it) => it.resource?.uid)).toEqual([second.uid]);
    const unknown = only(
      rig.takeAll(rig.attach(pod, { configVersion: { number: 41n, digest } })),
      "configDelta",
    );
    expect(unknown.base).toBeUndefined();
    expect(unknown.version?.number).toBe(42n);
    expect(unknown.demands).toHaveLength(2);
  });

  test("beyond 256 resources of a kind the first by name stay, and the others are told of", () => {
    const rig = HubRig.leading();
    const demands = Array.from({ length: 258 }, (_, index) =>
      testDemand({ name: `d-${index.toString().padStart(3, "0")}` }),
    );
    const pod = rig.assign(testPod(), { demands: demands.toReversed() });
    const told = only(rig.takeAll(rig.attach(pod)), "configDelta");
    expect(told.demands).toHaveLength(256);
    const dropped = demands.slice(256).map((it) => it.uid);
    expect(rig.hub.sidecar(pod.uid)?.droppedUids.toSorted()).toEqual(dropped.toSorted());
  });
});

describe("peers", () => {
  const address = { addresses: ["10.0.0.1"], port: 17_077 };

  test("are the pods that hold a queue of the same route, gathered for 200 ms", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached({ capabilities: [testCapability()] });
    const hosts = [testPod("a"), testPod("b")].map((pod) => {
      rig.assign(pod, { demands: [testDemand()] });
      rig.attach(pod, { peerAddress: address });
      return pod;
    });
    expect(rig.takeAll(stream)).toEqual([]);
    rig.elapse(200);
    const delta = only(rig.takeAll(stream), "peersDelta");
    expect(delta.peers.map((it) => it.nodeId)).toEqual(hosts.map((it) => it.uid).toSorted());
    expect(delta.peers[0]?.demands[0]).toMatchObject({ name: "thumbnails", maxProviders: 10 });
  });

  test("never cross namespaces or routes", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached({ capabilities: [testCapability()] });
    const elsewhere = testPod("a", "bank");
    rig.assign(elsewhere, { demands: [testDemand({ namespace: "bank" })] });
    rig.attach(elsewhere, { peerAddress: address });
    const contract = { request: "a.B", response: "a.C", schema: { descriptorSet: "aGk=" } };
    const other = rig.assign(testPod("b"), { demands: [testDemand({ spec: { contract } })] });
    rig.attach(other, { peerAddress: address });
    rig.elapse(1_000);
    expect(rig.takeAll(stream)).toEqual([]);
  });

  test("stay when a stream is lost, go when the pod is deleted", () => {
    const rig = HubRig.leading();
    const host = rig.assign(testPod("a"), { demands: [testDemand()] });
    const hosting = rig.attach(host, { peerAddress: address });
    const { stream } = rig.attached({ capabilities: [testCapability()] });
    rig.elapse(200);
    rig.takeAll(stream);
    rig.tell({ type: "detached", stream: hosting });
    rig.elapse(1_000);
    expect(rig.takeAll(stream)).toEqual([]);
    rig.tell({ type: "released", podUid: host.uid });
    rig.elapse(200);
    expect(only(rig.takeAll(stream), "peersDelta").removed).toEqual([host.uid]);
  });

  test("a sidecar's word counts for its port, not for its address, once its pod has IPs", () => {
    const rig = HubRig.leading();
    const host = rig.assign(testPod("a"), { demands: [testDemand()], ips: ["10.9.9.9"] });
    rig.attach(host, { peerAddress: { addresses: ["10.0.0.66"], port: 1_234 } });
    rig.elapse(200);
    const provider = rig.assign(testPod("b"), { capabilities: [testCapability()] });
    const told = rig.takeAll(rig.attach(provider));
    expect(only(told, "peersDelta").peers[0]?.address).toMatchObject({
      addresses: ["10.9.9.9"],
      port: 1_234,
    });
  });

  test("a new leader takes none away until others had time to attach", () => {
    const rig = HubRig.leading();
    const provider = rig.assign(testPod("p"), { capabilities: [testCapability()] });
    const stream = rig.attach(provider, { peersVersion: { number: 9n, digest } });
    expect(kinds(rig.takeAll(stream))).toEqual(["welcome", "descriptorSet", "configDelta"]);
    rig.elapse(9_999);
    rig.send(stream, { case: "report", value: {} });
    expect(rig.takeAll(stream)).toEqual([]);
    rig.elapse(1);
    const delta = only(rig.takeAll(stream), "peersDelta");
    expect(delta.base).toBeUndefined();
    expect(delta.version?.number).toBe(10n);
  });
});

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

describe("who is refused", () => {
  test("everybody, while another one leads; open streams end and are told who", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached();
    rig.tell({ type: "following", leaderAddress: "10.0.0.2:17079" });
    const refused = { code: RefusalCode.NOT_LEADER, leaderAddress: "10.0.0.2:17079" };
    expect(rig.ended.get(stream)).toMatchObject(refused);
    expect(rig.ended.get(rig.attach(testPod()))).toMatchObject(refused);
    expect(new HubRig().hub.refusesAll()?.code).toBe(RefusalCode.NOT_LEADER);
  });

  test("everybody, while it stops", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached();
    rig.tell({ type: "stopping" });
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.STOPPING);
    expect(rig.ended.get(rig.attach(testPod()))?.code).toBe(RefusalCode.STOPPING);
  });

  test("a pod that stays unknown for 10 s, with a time to come back", () => {
    const rig = HubRig.leading();
    const stream = rig.attach(testPod());
    rig.elapse(9_999);
    expect(rig.ended.size).toBe(0);
    rig.elapse(1);
    expect(rig.ended.get(stream)).toMatchObject({
      code: RefusalCode.POD_UNKNOWN,
      retryAfter: { seconds: 1n },
    });
  });

  test("a pod that was deleted", () => {
    const rig = HubRig.leading();
    const { pod, stream } = rig.attached();
    rig.tell({ type: "released", podUid: pod.uid });
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.POD_DELETED);
    expect(rig.hub.sidecar(pod.uid)).toBeUndefined();
  });

  test("a token whose uid is known under another name or namespace", () => {
    const rig = HubRig.leading();
    const pod = rig.assign(testPod());
    for (const other of [{ name: "web-1" }, { namespace: "bank" }]) {
      const stream = rig.attach({ ...pod, ...other });
      expect(rig.ended.get(stream)?.code).toBe(RefusalCode.TOKEN_REFUSED);
    }
  });

  test("whoever is silent for three report intervals", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached();
    rig.elapse(29_999);
    rig.send(stream, { case: "report", value: {} });
    rig.elapse(29_999);
    expect(rig.ended.size).toBe(0);
    rig.elapse(1);
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.SILENT);
  });

  test("whoever does not renew its token; whoever does stays", () => {
    const rig = HubRig.leading({ reportIntervalMs: 3_600_000 });
    const pod = rig.assign(testPod());
    const identity = { namespace: "shop", podName: pod.name, podUid: pod.uid, kubeNode: "" };
    const stream = rig.attach(pod, {}, 60_000);
    rig.elapse(59_000);
    rig.send(stream, { case: "authenticate", value: { token: "t2" } });
    expect(rig.effects.at(-1)).toEqual({ type: "review", stream, token: "t2" });
    rig.tell({ type: "authenticated", stream, identity, expiresInMs: 60_000 });
    rig.elapse(59_999);
    expect(rig.ended.size).toBe(0);
    rig.elapse(1);
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.TOKEN_EXPIRED);
  });

  test("whoever renews with a token that the API server refuses; whoever can't be reviewed stays", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached();
    const answered = (code: RefusalCode) => {
      rig.send(stream, { case: "authenticate", value: { token: "t2" } });
      const refusal = create(RefusalSchema, { code });
      rig.tell({ type: "notAuthenticated", stream, refusal });
      return rig.takeAll(stream);
    };
    for (const code of [RefusalCode.REVIEW_UNAVAILABLE, RefusalCode.REVIEW_LIMIT]) {
      expect(only(answered(code), "refusal").code).toBe(code);
      expect(rig.ended.size).toBe(0);
    }
    answered(RefusalCode.TOKEN_REFUSED);
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.TOKEN_REFUSED);
  });

  test("whoever renews with another pod's token", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached();
    rig.send(stream, { case: "authenticate", value: { token: "t2" } });
    const identity = { namespace: "shop", podName: "web-9", podUid: "another", kubeNode: "" };
    rig.tell({ type: "authenticated", stream, identity, expiresInMs: 60_000 });
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.TOKEN_REFUSED);
  });

  test("a stream beyond the bound, but not the next one of a pod that is attached", () => {
    const rig = HubRig.leading({ maxStreams: 1 });
    const { pod, stream } = rig.attached();
    expect(rig.ended.get(rig.attach(testPod("b")))?.code).toBe(RefusalCode.STREAM_LIMIT);
    const newer = rig.attach(pod);
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.REPLACED);
    expect(rig.ended.has(newer)).toBe(false);
  });

  test.each([
    [{ sidecarVersion: "v".repeat(65) }],
    [{ configVersion: { number: 1n, digest: new Uint8Array(31) } }],
    [{ peersVersion: { number: 2n ** 62n + 1n, digest } }],
    [{ descriptorSets: ["xyz"] }],
    [{ descriptorSets: Array.from({ length: 513 }, () => "ab".repeat(32)) }],
    [{ peerAddress: { addresses: [], port: 1 } }],
    [{ peerAddress: { addresses: ["10.0.0.1"], port: 0 } }],
    [{ peerAddress: { addresses: Array.from({ length: 5 }, () => "10.0.0.1"), port: 1 } }],
  ])("a Hello that is none: %#", (hello) => {
    const rig = HubRig.leading();
    const stream = rig.attach(rig.assign(testPod()), hello);
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.MESSAGE_INVALID);
    expect(rig.hub.streamCount).toBe(0);
  });

  test("late messages of a stream that is over change nothing", () => {
    const rig = HubRig.leading();
    const { pod, stream } = rig.attached();
    rig.attach(pod);
    rig.effects.length = 0;
    rig.send(stream, { case: "report", value: {} });
    rig.tell({ type: "detached", stream });
    expect(rig.effects).toEqual([]);
    expect(rig.hub.sidecar(pod.uid)).toMatchObject({ attached: true, report: undefined });
  });
});

test("its limits hold together: what a sidecar may be told fits one message", () => {
  const { maxPeers, maxPeerDemands, maxMessageBytes, maxResourcesPerKind } = controlLimits;
  // A peer: node id 63, 4 addresses of 45, port, incarnation; a summary: name 63, hash, counts.
  expect(maxPeers * 270 + maxPeerDemands * 95).toBeLessThan(maxMessageBytes);
  // An entry: uid 36, name 63, two message names of 255, hash 64, numbers; and the bundle, 64 KiB.
  expect(2 * maxResourcesPerKind * 850 + 65_536).toBeLessThan(maxMessageBytes);
});
