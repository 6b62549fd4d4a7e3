/** The operator's end of the control stream in a process of its own, told by its parent. */
import { createHash } from "node:crypto";
import { Authority, ControlPlane, type DesiredDemand } from "../../../operator/control/index.ts";
import {
  createMetrics,
  realClock,
  realTimers,
  realWallClock,
  silentLogger,
} from "../../../sidecar/runtime/index.ts";
import {
  MemorySecret,
  testCapability,
  testDemand,
  type TestPod,
  TrustingReviews,
} from "../../support/control-rig.ts";
import type { OperatorCommand, OperatorReply } from "./operator-messages.ts";

/** Each pod is selected by so many Demands and one Capability, as in a cluster of some size. */
const demandsPerPod = 4;
/** So many pods hold a queue that the Capability can serve: the peers of all. */
const peers = 20;

let generation = 0;
let pods: readonly TestPod[] = [];
const capability = testCapability();
const served = testDemand({ name: "served" });
const otherContract = {
  request: "bench.v1.Other",
  response: "bench.v1.OtherDone",
  schema: { descriptorSet: "aGVsbG8=" },
};

function demands(): DesiredDemand[] {
  return Array.from({ length: demandsPerPod }, (_, index) =>
    testDemand({
      uid: createHash("sha1").update(index.toString()).digest("hex").slice(0, 36),
      name: `demand-${index.toString()}`,
      // Of the first one each change makes another generation.
      generation: index === 0 ? generation + 1 : 1,
      spec: {
        contract: otherContract,
        maxProviders: 10 + (index === 0 ? generation % 100 : 0),
      },
    }),
  );
}

const authority = await Authority.open(
  { secrets: new MemorySecret(), wallClock: realWallClock },
  { clusterId: "bench" },
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
  { listen: { host: "127.0.0.1", port: 0 } },
);
plane.lead();

function assignAll(): void {
  const all = demands();
  for (const [index, pod] of pods.entries()) {
    const assigned = { ...pod, ips: ["10.0.0.1"], roles: [] };
    const held = index < peers ? [...all, served] : all;
    plane.assign({ pod: assigned, demands: held, capabilities: [capability] });
  }
}

function memory(): OperatorReply {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { type: "memory", residentBytes: rss, heapBytes: heapUsed + external };
}

function carryOut(command: OperatorCommand): OperatorReply {
  switch (command.type) {
    case "pods":
      ({ pods } = command);
      assignAll();
      return { type: "done" };
    case "change":
      generation += 1;
      assignAll();
      return { type: "done" };
    case "rotate":
      void plane.rotate();
      return { type: "done" };
    default:
      return memory();
  }
}

process.on("message", (command: OperatorCommand) => {
  process.send?.(carryOut(command));
});
process.on("disconnect", () => {
  process.exit();
});
process.send?.({ type: "started", port: plane.port, caPem: authority.bundlePem });
