/** Sidecars and the operator's real end of the control stream, in one process. */
import { createHash, randomUUID } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  Authority,
  ControlPlane,
  type ControlPlaneOptions,
  defaultRotationPolicy,
  type DesiredCapability,
  type DesiredDemand,
  desiredCapability,
  desiredDemand,
} from "../../../operator/control/index.ts";
import { check, schemas } from "../../../operator/schema/index.ts";
import { Applied } from "../../../proto/gen/spillway/control/v1/control_pb.ts";
import {
  createMetrics,
  realClock,
  realTimers,
  realWallClock,
  silentLogger,
} from "../../../sidecar/runtime/index.ts";
import {
  MemorySecret,
  type TestPod,
  testPod,
  tokenOf,
  TrustingReviews,
} from "../../support/control-rig.ts";
import { ControlledPod } from "../../support/controlled-pod.ts";
import { eventually } from "../../support/eventually.ts";
import { capabilityManifest, demandManifest, type Json } from "../../support/manifests.ts";
import { echoDescriptorSet } from "../../support/node-cluster.ts";

const content = echoDescriptorSet();
const descriptorSet = { hash: createHash("sha256").update(content).digest("hex"), content };

function useEcho(manifest: Json): void {
  Object.assign(manifest.spec.contract, { request: "echo.v1.Ask", response: "echo.v1.Answer" });
}

function resource(uid: string) {
  return { uid, generation: 1, namespace: "shop", name: "echo", descriptorSet };
}

function echoDemand(): DesiredDemand {
  const checked = check(schemas.Demand, demandManifest(useEcho));
  if (!checked.ok) throw new Error(JSON.stringify(checked.refusals));
  return desiredDemand({ ...resource("demand-uid"), spec: checked.value.spec });
}

function echoCapability(): DesiredCapability {
  const checked = check(schemas.Capability, capabilityManifest(useEcho));
  if (!checked.ok) throw new Error(JSON.stringify(checked.refusals));
  return desiredCapability({ ...resource("capability-uid"), spec: checked.value.spec });
}

interface Operator {
  readonly plane: ControlPlane;
  readonly authority: Authority;
  readonly address: string;
  readonly trustBundlePem: string;
}

/** As the default, but days are moments. */
const quickRotation = { ...defaultRotationPolicy, overlapMs: 300, trustPreviousMs: 1_500 };

async function startOperator(
  over: Partial<ControlPlaneOptions> = {},
  secrets = new MemorySecret(),
): Promise<Operator> {
  const authority = await Authority.open(
    { secrets, wallClock: realWallClock },
    { clusterId: "test", rotation: quickRotation },
  );
  const plane = await ControlPlane.start(
    {
      authority,
      reviews: new TrustingReviews(),
      clock: realClock,
      wallClock: realWallClock,
      timers: realTimers,
      log: silentLogger,
      metrics: createMetrics(),
      onSidecarChange: () => undefined,
      onBundleChange: () => undefined,
    },
    { listen: { host: "127.0.0.1", port: 0 }, ...over },
  );
  onTestFinished(() => plane.close());
  plane.lead();
  const address = `127.0.0.1:${String(plane.port)}`;
  return { plane, authority, address, trustBundlePem: authority.bundlePem };
}

interface Selected {
  readonly demand?: true;
  readonly capability?: true;
}

function assign({ plane }: Operator, pod: TestPod, selected: Selected): void {
  plane.assign({
    pod: { ...pod, ips: ["127.0.0.1"], roles: [] },
    demands: selected.demand === true ? [echoDemand()] : [],
    capabilities: selected.capability === true ? [echoCapability()] : [],
  });
}

/** A pod that the operator knows, selected by these. */
async function startPod(
  operator: Operator,
  selectedBy: Selected,
  pod: TestPod = testPod(`pod-${randomUUID().slice(0, 8)}`),
): Promise<ControlledPod> {
  assign(operator, pod, selectedBy);
  const controlled = new ControlledPod(pod.uid, operator);
  controlled.writeToken(tokenOf(pod, Date.now() + 3_600_000));
  await controlled.start();
  await controlled.sidecar.ready();
  return controlled;
}

async function works(producer: ControlledPod, provider: ControlledPod): Promise<void> {
  const ticket = await producer.add(4);
  await provider.work();
  await expect(producer.result(ticket)).resolves.toMatchObject({ size: 8 });
}

describe("sidecars of a real operator", () => {
  it("are told what they are and who the others are; items flow, all of it is reported", async () => {
    const operator = await startOperator();
    const producer = await startPod(operator, { demand: true });
    const provider = await startPod(operator, { capability: true });
    await works(producer, provider);
    const state = await eventually(
      () => {
        const known = operator.plane.sidecar(producer.nodeId);
        return known?.report?.demands[0]?.counts?.done === 1n && known;
      },
      { what: "a report of the item" },
    );
    expect(state.acknowledged?.get("demand-uid")?.applied).toBe(Applied.IN_FORCE);
    expect(state.report?.demands[0]?.connectedProviders).toEqual([provider.nodeId]);
  });

  it("confirm a QUIESCE, and take items again when it is over", async () => {
    const operator = await startOperator();
    const producer = await startPod(operator, { demand: true });
    const provider = await startPod(operator, { capability: true });
    await works(producer, provider);
    operator.plane.quiesce(provider.nodeId, ["capability-uid"], 1_000);
    await eventually(
      () => operator.plane.sidecar(provider.nodeId)?.quiesced.get("capability-uid")?.idle,
      { what: "the confirmation" },
    );
    await works(producer, provider);
  });

  it("take a new authority without losing the session between them", async () => {
    const operator = await startOperator();
    const producer = await startPod(operator, { demand: true });
    const provider = await startPod(operator, { capability: true });
    for (let item = 0; item < 5; item++) await works(producer, provider);
    const before = await sentBytes(provider);
    const { signerPem } = operator.authority;
    await operator.plane.rotate();
    await eventually(
      async () => {
        await operator.plane.tend();
        return !operator.authority.bundlePem.includes(signerPem);
      },
      { what: "the end of the old authority", intervalMs: 100 },
    );
    await works(producer, provider);
    expect(await sentBytes(provider)).toBeGreaterThan(before);
    // A new handshake is proven and checked by the new authority alone.
    await producer.stop();
    await producer.start();
    await producer.sidecar.ready();
    await works(producer, provider);
  });

  it("go on and restart while it is away, and resume with the next one", async () => {
    const secrets = new MemorySecret();
    const first = await startOperator({}, secrets);
    const self = testPod();
    const both = { demand: true, capability: true } as const;
    const pod = await startPod(first, both, self);
    await works(pod, pod);
    await first.plane.close();
    await pod.stop();
    await pod.start();
    await pod.sidecar.ready();
    await works(pod, pod);
    const port = Number(first.address.split(":")[1]);
    const next = await startOperator({ listen: { host: "127.0.0.1", port } }, secrets);
    assign(next, self, both);
    await eventually(() => next.plane.sidecar(self.uid)?.acknowledged?.has("demand-uid"), {
      timeoutMs: 15_000,
      what: "the sidecar at the next operator",
    });
    await works(pod, pod);
  });
});

async function sentBytes(pod: ControlledPod): Promise<number> {
  const { host, port } = pod.sidecar.addresses.ops ?? { host: "", port: 0 };
  const answer = await fetch(`http://${host}:${String(port)}/v1/peers`);
  const { peers } = (await answer.json()) as { peers: { sentBytes?: number }[] };
  return peers[0]?.sentBytes ?? 0;
}
