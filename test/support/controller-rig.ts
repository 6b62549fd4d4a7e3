/** The operator's loops before a small API server, with fake time and a noting control stream. */
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { OperatorLoops } from "../../operator/controller/index.ts";
import type { Sidecars, SidecarState } from "../../operator/controller/ports.ts";
import type { PodAssignment } from "../../operator/control/index.ts";
import { EventRecorder } from "../../operator/runtime/index.ts";
import { eventually } from "./eventually.ts";
import { FakeApiServer } from "./fake-api-server.ts";
import { capabilityManifest, demandManifest, type Json } from "./manifests.ts";
import { runtimeRig } from "./runtime-rig.ts";

const shop = "namespaces/shop";

/** Collections of namespace `shop`. */
export const shopPaths = {
  demands: `/apis/spillway.dev/v1alpha1/${shop}/demands`,
  capabilities: `/apis/spillway.dev/v1alpha1/${shop}/capabilities`,
  pods: `/api/v1/${shop}/pods`,
  configMaps: `/api/v1/${shop}/configmaps`,
} as const;

/** A control stream that keeps what it was told. */
export class NotedSidecars implements Sidecars {
  /** The latest of each pod, by its name. */
  readonly assigned = new Map<string, PodAssignment>();
  /** Pods by uid, and what is to be quiet in each. */
  readonly quiet = new Map<string, readonly string[]>();
  readonly states = new Map<string, SidecarState>();

  assign(assignment: PodAssignment): void {
    this.assigned.set(assignment.pod.name, assignment);
  }

  release(): void {}

  quiesce(podUid: string, capabilityUids: readonly string[]): void {
    this.quiet.set(podUid, capabilityUids);
  }

  stateOf(podUid: string): SidecarState | undefined {
    return this.states.get(podUid);
  }

  onChange(): void {}

  /** What a pod was told last: `name` as told, `name (kept)` as it is, or a uid. */
  told(pod: string): string[] | undefined {
    const found = this.assigned.get(pod);
    if (found === undefined) return undefined;
    const { demands, capabilities, unreadUids = [] } = found;
    const resources = [...demands, ...capabilities].map(({ name, part }) =>
      part.value.type === "kept" ? `${name} (kept)` : name,
    );
    return [...resources, ...unreadUids].toSorted();
  }
}

/** Starts a server and loops that do not act yet. */
export async function controllerRig() {
  const server = await FakeApiServer.start();
  const rig = runtimeRig();
  const { surroundings, metrics, time } = rig;
  const client = rig.client(server);
  const acting = { client, surroundings, metrics };
  const sidecars = new NotedSidecars();
  const reporter = { reportingController: "spillway.dev/operator", reportingInstance: "test" };
  const recorder = new EventRecorder(reporter, acting);
  const loops = new OperatorLoops({ ...acting, sidecars, recorder });
  return {
    ...rig,
    server,
    client,
    sidecars,
    loops,
    /** Lets time pass until something holds. */
    until: (condition: () => boolean, what: string): Promise<unknown> =>
      eventually(
        async () => {
          await time.elapse(50);
          return condition();
        },
        { intervalMs: 5, what },
      ),
    /** Becomes the leader. */
    async lead(): Promise<void> {
      loops.watch();
      const led = loops.lead();
      await eventually(
        async () => {
          await time.elapse(10);
          return loops.hasSynced;
        },
        { intervalMs: 5, what: "whole caches" },
      );
      await led;
    },
    async stop(): Promise<void> {
      const stopped = loops.stop();
      await time.elapse(20_000);
      await stopped;
      await recorder.stop();
      await client.close();
      await server.stop();
    },
  };
}

/** Loops before a server, and what tests ask of them. */
export type ControllerRig = Awaited<ReturnType<typeof controllerRig>>;

const descriptors = toBinary(
  FileDescriptorSetSchema,
  create(FileDescriptorSetSchema, {
    file: [
      {
        name: "images.proto",
        package: "images.v1",
        syntax: "proto3",
        messageType: [{ name: "Thumbnail" }, { name: "ThumbnailRequest" }],
      },
    ],
  }),
);

const contract = {
  request: "images.v1.ThumbnailRequest",
  response: "images.v1.Thumbnail",
  schema: { descriptorSet: Buffer.from(descriptors).toString("base64") },
};

const stored = { generation: 1, creationTimestamp: "2025-12-31T00:00:00Z" };

/** A Demand whose contract stands in it, changed in one place. */
export function shopDemand(name: string, change: (it: Json) => void = () => {}) {
  return demandManifest((it) => {
    it.metadata = { ...stored, name, namespace: "shop" };
    it.spec.contract = structuredClone(contract);
    change(it);
  }) as { readonly metadata: { readonly name: string } };
}

/** A Capability whose contract stands in it, changed in one place. */
export function shopCapability(name: string, change: (it: Json) => void = () => {}) {
  return capabilityManifest((it) => {
    it.metadata = { ...stored, name, namespace: "shop" };
    it.spec.contract = structuredClone(contract);
    change(it);
  }) as { readonly metadata: { readonly name: string } };
}

/** A running pod with a sidecar. */
export function shopPod(name: string, labels: Readonly<Record<string, string>> = { app: "web" }) {
  return {
    metadata: { ...stored, name, labels: { ...labels, "spillway.dev/injected": "true" } },
    status: { phase: "Running", podIPs: [{ ip: "10.0.0.8" }] },
  };
}
