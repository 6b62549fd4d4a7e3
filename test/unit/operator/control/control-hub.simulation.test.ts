/**
 * Whatever happens on the way, every sidecar ends with exactly what selects its pod. Runs are made
 * of changed assignments, streams cut at any message, operators that begin anew, messages of
 * streams that are over, time; then all is quiet, and what sidecars hold is compared with what is
 * wanted.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Answer } from "../../../../operator/control/session.ts";
import type { Version } from "../../../../proto/gen/spillway/control/v1/control_pb.ts";
import { testCapability, testDemand, testPod, type TestPod } from "../../../support/control-rig.ts";
import { HubRig } from "../../../support/hub-rig.ts";

const contracts = ["a.A", "b.B"].map((request) => ({
  request,
  response: `${request}Done`,
  schema: { descriptorSet: "aGk=" },
}));
const generations = [1, 2, 3];
const demandUids = ["d0", "d1", "d2", "d3"];
const capabilityUids = ["c0", "c1"];

/** Every generation of every resource, made once: the hub shares them over pods as well. */
const demands = demandUids.map((uid, index) =>
  generations.map((generation) =>
    testDemand({
      uid,
      generation,
      name: uid,
      spec: { contract: contracts[index % 2], maxProviders: generation + 1 },
    }),
  ),
);
const capabilities = capabilityUids.map((uid, index) =>
  generations.map((generation) =>
    testCapability({
      uid,
      generation,
      name: uid,
      spec: { contract: contracts[index % 2], concurrency: generation },
    }),
  ),
);

/** Which generation of each resource selects a pod; 0: none. */
interface Wanted {
  readonly demands: readonly number[];
  readonly capabilities: readonly number[];
}

const nothing: Wanted = { demands: [], capabilities: [] };

function assignmentOf({ demands: ofDemands, capabilities: ofCapabilities }: Wanted) {
  const pick = <T>(all: readonly (readonly T[])[], chosen: readonly number[]): T[] =>
    chosen.flatMap((generation, index) => all[index]?.[generation - 1] ?? []);
  return {
    demands: pick(demands, ofDemands),
    capabilities: pick(capabilities, ofCapabilities),
  };
}

/** A sidecar as the protocol asks for it: what it holds outlives its streams. */
class Model {
  readonly resources = new Map<string, bigint>();
  readonly peers = new Set<string>();
  readonly descriptorSets = new Set<string>();
  readonly #setOf = new Map<string, string | undefined>();
  trust = "";
  configVersion: Version | undefined;
  peersVersion: Version | undefined;
  stream: number | undefined;

  hello(index: number) {
    return {
      descriptorSets: [...this.descriptorSets],
      peerAddress: { addresses: ["10.0.0.1"], port: 1_000 + index },
      ...(this.configVersion && { configVersion: this.configVersion }),
      ...(this.peersVersion && { peersVersion: this.peersVersion }),
    };
  }

  receive(answer: Answer): void {
    if (answer.case === "descriptorSet") this.descriptorSets.add(answer.value.hash);
    if (answer.case === "configDelta") {
      const { base, version, demands: d, capabilities: c, removed, trustBundle } = answer.value;
      this.#inOrder(this.configVersion, base, version);
      if (base === undefined) this.resources.clear();
      for (const uid of removed) this.resources.delete(uid);
      for (const { resource, config } of [...d, ...c]) {
        expect(this.descriptorSets).toContain(config?.contract?.descriptorSet);
        this.resources.set(resource?.uid ?? "", resource?.generation ?? 0n);
        this.#setOf.set(resource?.uid ?? "", config?.contract?.descriptorSet);
      }
      const named = new Set([...this.resources.keys()].map((uid) => this.#setOf.get(uid)));
      for (const hash of this.descriptorSets) {
        if (!named.has(hash)) this.descriptorSets.delete(hash);
      }
      if (trustBundle !== undefined) this.trust = trustBundle.pem;
      this.configVersion = version;
    }
    if (answer.case === "peersDelta") {
      const { base, version, peers, removed } = answer.value;
      this.#inOrder(this.peersVersion, base, version);
      if (base === undefined) this.peers.clear();
      for (const nodeId of removed) this.peers.delete(nodeId);
      for (const { nodeId } of peers) this.peers.add(nodeId);
      this.peersVersion = version;
    }
  }

  #inOrder(held: Version | undefined, base: Version | undefined, made: Version | undefined): void {
    if (base !== undefined) expect(base).toEqual(held);
    expect(made?.number ?? 0n).toBeGreaterThan(held?.number ?? 0n);
  }
}

/** Operator, sidecars and what is wanted of them. */
class World {
  rig = HubRig.leading();
  readonly pods: readonly TestPod[] = [0, 1, 2].map((index) => testPod(`p-${index.toString()}`));
  readonly models = this.pods.map(() => new Model());
  readonly wanted: Wanted[] = this.pods.map(() => nothing);
  #bundles = 1;

  assign(index: number, wanted: Wanted): void {
    this.wanted[index] = wanted;
    const [pod] = this.pods.slice(index);
    if (pod !== undefined) this.rig.assign(pod, assignmentOf(wanted));
  }

  connect(index: number): void {
    const [pod] = this.pods.slice(index);
    const [model] = this.models.slice(index);
    if (pod === undefined || model === undefined) return;
    model.stream = this.rig.attach(pod, model.hello(index));
  }

  /** The stream is gone with all that was written and not read. */
  cut(index: number): void {
    const [model] = this.models.slice(index);
    if (model?.stream === undefined) return;
    this.rig.takeAll(model.stream);
    this.rig.tell({ type: "detached", stream: model.stream });
    model.stream = undefined;
  }

  read(index: number, atMost: number): void {
    const [model] = this.models.slice(index);
    if (model?.stream === undefined) return;
    for (let count = 0; count < atMost; count++) {
      const answer = this.rig.hub.take(model.stream, this.rig.nowMs);
      if (answer === undefined) return;
      this.#onlyItsOwn(index, answer);
      model.receive(answer);
    }
  }

  /** Authority rule: at the moment it is told, each resource selects the pod. */
  #onlyItsOwn(index: number, answer: Answer): void {
    if (answer.case !== "configDelta") return;
    const own = assignmentOf(this.wanted[index] ?? nothing);
    const uids = new Set([...own.demands, ...own.capabilities].map((it) => it.uid));
    for (const { resource } of [...answer.value.demands, ...answer.value.capabilities]) {
      expect(uids).toContain(resource?.uid);
    }
  }

  /** Another operator, which knows nothing but the cluster. */
  restart(): void {
    const { bundlePem, nowMs } = this.rig;
    this.rig = HubRig.leading();
    Object.assign(this.rig, { bundlePem, nowMs });
    for (const [index, wanted] of this.wanted.entries()) this.assign(index, wanted);
    for (const model of this.models) model.stream = undefined;
  }

  trust(): void {
    this.#bundles += 1;
    this.rig.bundlePem = `bundle ${this.#bundles.toString()}`;
    this.rig.tell({ type: "trustChanged" });
  }

  /** Something comes of a stream that is over, or comes twice. */
  late(stream: number): void {
    const old = this.models.some((it) => it.stream === stream) ? -1 : stream;
    this.rig.send(old, { case: "report", value: { demands: [{ resource: { uid: "d0" } }] } });
    this.rig.tell({ type: "detached", stream: old });
  }

  #report(index: number): void {
    const { stream } = this.models[index] ?? {};
    if (stream === undefined) return;
    const peerAddress = this.models[index]?.hello(index).peerAddress ?? {};
    this.rig.send(stream, { case: "report", value: { peerAddress } });
  }

  settle(): void {
    for (const index of this.pods.keys()) {
      this.assign(index, this.wanted[index] ?? nothing);
      const { stream } = this.models[index] ?? {};
      // What the operator has ended meanwhile (unknown pods, silence) is attached again.
      if (stream === undefined || this.rig.ended.has(stream)) this.connect(index);
      this.#report(index);
    }
    this.rig.elapse(10_000);
    for (const index of this.pods.keys()) this.read(index, 100);
    this.rig.elapse(1_000);
    for (const index of this.pods.keys()) this.read(index, 100);
  }

  compare(): void {
    for (const [index, model] of this.models.entries()) {
      const own = assignmentOf(this.wanted[index] ?? nothing);
      const resources = [...own.demands, ...own.capabilities].map((it) => it.uid).sort();
      expect([...model.resources.keys()].sort()).toEqual(resources);
      for (const { part } of [...own.demands, ...own.capabilities]) {
        const entry = "entry" in part.value ? part.value.entry : undefined;
        expect(model.resources.get(part.key)).toBe(entry?.resource?.generation);
      }
      expect(model.trust).toBe(this.rig.bundlePem);
      expect([...model.peers].sort()).toEqual(this.#peersOf(index));
    }
  }

  #peersOf(index: number): string[] {
    const routes = new Set(
      assignmentOf(this.wanted[index] ?? nothing).capabilities.map((it) => it.route),
    );
    return this.pods
      .filter((_, other) =>
        assignmentOf(this.wanted[other] ?? nothing).demands.some((it) => routes.has(it.route)),
      )
      .map((it) => it.uid)
      .sort();
  }
}

const pod = fc.nat({ max: 2 });
const generation = fc.nat({ max: generations.length });
const wanted = fc.record({
  demands: fc.array(generation, { maxLength: demandUids.length }),
  capabilities: fc.array(generation, { maxLength: capabilityUids.length }),
});

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(pod, wanted).map(
      ([i, it]) =>
        (w: World) =>
          w.assign(i, it),
    ),
  },
  { weight: 3, arbitrary: pod.map((i) => (w: World) => w.connect(i)) },
  { weight: 2, arbitrary: pod.map((i) => (w: World) => w.cut(i)) },
  {
    weight: 4,
    arbitrary: fc.tuple(pod, fc.nat({ max: 3 })).map(
      ([i, n]) =>
        (w: World) =>
          w.read(i, n),
    ),
  },
  { weight: 1, arbitrary: fc.constant((w: World) => w.restart()) },
  { weight: 1, arbitrary: fc.constant((w: World) => w.trust()) },
  { weight: 1, arbitrary: fc.nat({ max: 8 }).map((s) => (w: World) => w.late(s)) },
  { weight: 2, arbitrary: fc.nat({ max: 5_000 }).map((ms) => (w: World) => w.rig.elapse(ms)) },
);

test("a reconnect at any step ends with the same configuration", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const world = new World();
      for (const take of steps) take(world);
      world.settle();
      world.compare();
    }),
    { numRuns: 200 },
  );
});
