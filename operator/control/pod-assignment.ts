/** What selects a pod: the whole of what its sidecar may be told and may tell. */
import { controlLimits } from "./control-limits.ts";
import {
  type ConfigPart,
  type DescriptorSetBytes,
  type DesiredCapability,
  type DesiredDemand,
  keptPart,
} from "./desired-resource.ts";
import { digestOf, type Part, type Snapshot, snapshotOf } from "./snapshot.ts";

/** A pod with a sidecar, as the API server shows it. */
export interface AssignedPod {
  /** metadata.uid; the sidecar's node id. */
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /**
   * status.podIPs. A sidecar's peer listener is believed to be at these, whatever it reports; while
   * there are none, what it reports is believed.
   */
  readonly ips: readonly string[];
  /** What its certificate says besides its name; from the pod's owner. */
  readonly roles: readonly string[];
}

/** A pod, and what selects it. Whole each time: what is not named does not select it. */
export interface PodAssignment {
  readonly pod: AssignedPod;
  readonly demands: readonly DesiredDemand[];
  readonly capabilities: readonly DesiredCapability[];
  /** Uids of resources that may select it and cannot be read: what it holds of them stays. */
  readonly unreadUids?: readonly string[];
}

/** What every sidecar of a namespace is to trust. */
export interface NamespaceTrust {
  /** PEM of the authorities. */
  readonly bundlePem: string;
  /** 32 bytes; never logged. */
  readonly announcementKey: Uint8Array;
}

/** An assignment within its bounds. */
export interface BoundedAssignment extends PodAssignment {
  /** Uids of the resources that were too many. */
  readonly droppedUids: readonly string[];
  /** By uid. */
  readonly resources: ReadonlyMap<string, DesiredDemand | DesiredCapability>;
  readonly descriptorSets: ReadonlyMap<string, DescriptorSetBytes>;
}

/**
 * Keeps an assignment within its bounds, 256 Demands and 256 Capabilities: the first by name stay,
 * so that every operator keeps the same ones.
 */
export function boundAssignment(assignment: PodAssignment): BoundedAssignment {
  const demands = firstByName(assignment.demands);
  const capabilities = firstByName(assignment.capabilities);
  const kept = [...demands.kept, ...capabilities.kept];
  return {
    pod: assignment.pod,
    demands: demands.kept,
    capabilities: capabilities.kept,
    droppedUids: [...demands.dropped, ...capabilities.dropped],
    resources: new Map(kept.map((resource) => [resource.uid, resource])),
    unreadUids: assignment.unreadUids ?? [],
    descriptorSets: new Map(
      kept.flatMap(({ descriptorSet: set }) => (set === undefined ? [] : [[set.hash, set]])),
    ),
  };
}

/** The configuration of a pod's sidecar. */
export function configSnapshot(
  assignment: BoundedAssignment,
  trust: NamespaceTrust,
): Snapshot<ConfigPart> {
  const resources = [...assignment.resources.values()].map(({ part }) => part);
  const unread = (assignment.unreadUids ?? []).map((uid) => keptPart(uid));
  return snapshotOf([...unread, ...resources, ...trustParts(trust)]);
}

const knownTrustParts = new WeakMap<NamespaceTrust, readonly Part<ConfigPart>[]>();

/** Made once for all pods of a namespace. No uid is one of their keys: uids are UUIDs. */
function trustParts(trust: NamespaceTrust): readonly Part<ConfigPart>[] {
  const known = knownTrustParts.get(trust);
  if (known !== undefined) return known;
  const { announcementKey, bundlePem } = trust;
  const made: readonly Part<ConfigPart>[] = [
    {
      key: "trust",
      digest: digestOf(Buffer.from(bundlePem)),
      value: { type: "trust", bundlePem },
    },
    {
      key: "announcementKey",
      digest: digestOf(announcementKey),
      value: { type: "announcementKey", key: announcementKey },
    },
  ];
  knownTrustParts.set(trust, made);
  return made;
}

function firstByName<T extends { readonly name: string; readonly uid: string }>(
  all: readonly T[],
): { readonly kept: readonly T[]; readonly dropped: readonly string[] } {
  const bound = controlLimits.maxResourcesPerKind;
  if (all.length <= bound) return { kept: all, dropped: [] };
  const sorted = all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    kept: sorted.slice(0, bound),
    dropped: sorted.slice(bound).map(({ uid }) => uid),
  };
}
