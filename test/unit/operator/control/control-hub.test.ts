import { describe, expect, test } from "vitest";
import { controlLimits } from "../../../../operator/control/control-limits.ts";
import { testCapability, testDemand, testPod } from "../../../support/control-rig.ts";
import { HubRig, kinds, only } from "../../../support/hub-rig.ts";

const digest = new Uint8Array(32);

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

test("its limits hold together: what a sidecar may be told fits one message", () => {
  const { maxPeers, maxPeerDemands, maxMessageBytes, maxResourcesPerKind } = controlLimits;
  // A peer: node id 63, 4 addresses of 45, port, incarnation; a summary: name 63, hash, counts.
  expect(maxPeers * 270 + maxPeerDemands * 95).toBeLessThan(maxMessageBytes);
  // An entry: uid 36, name 63, two message names of 255, hash 64, numbers; and the bundle, 64 KiB.
  expect(2 * maxResourcesPerKind * 850 + 65_536).toBeLessThan(maxMessageBytes);
});
