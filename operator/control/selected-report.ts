/** Takes out of what a sidecar tells whatever does not select its pod. */
import type {
  AcknowledgedResource,
  Acknowledgement,
  QuiesceConfirmation,
  QuiescedCapability,
  Report,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type { BoundedAssignment } from "./pod-assignment.ts";

/** What is kept, and the uids of what is not. */
export interface Selected<T> {
  readonly kept: T;
  readonly refusedUids: readonly string[];
}

type Resources = BoundedAssignment["resources"];

/** A demand may report a Demand's uid only, a capability a Capability's. */
export function selectReport(report: Report, resources: Resources): Selected<Report> {
  const demands = report.demands.filter((it) => isKind(resources, it.resource?.uid, "Demand"));
  const capabilities = report.capabilities.filter((it) =>
    isKind(resources, it.resource?.uid, "Capability"),
  );
  const whole = report.demands.length + report.capabilities.length;
  if (demands.length + capabilities.length === whole) return { kept: report, refusedUids: [] };
  const kept = new Set<unknown>([...demands, ...capabilities]);
  const refused = [...report.demands, ...report.capabilities].filter((it) => !kept.has(it));
  return {
    kept: { ...report, demands, capabilities },
    refusedUids: refused.map((it) => it.resource?.uid ?? ""),
  };
}

/** By uid; of two entries for one resource the later counts. */
export function selectAcknowledged(
  { resources: acknowledged }: Acknowledgement,
  resources: Resources,
): Selected<ReadonlyMap<string, AcknowledgedResource>> {
  const kept = new Map<string, AcknowledgedResource>();
  const refusedUids: string[] = [];
  for (const it of acknowledged) {
    const uid = it.resource?.uid ?? "";
    if (resources.has(uid)) kept.set(uid, it);
    else refusedUids.push(uid);
  }
  return { kept, refusedUids };
}

/** By uid: only what was asked to be quiet. */
export function selectQuiesced(
  { capabilities }: QuiesceConfirmation,
  asked: ReadonlySet<string>,
): ReadonlyMap<string, QuiescedCapability> {
  const kept = capabilities.filter(({ uid }) => asked.has(uid));
  return new Map(kept.map((it) => [it.uid, it]));
}

function isKind(
  resources: Resources,
  uid: string | undefined,
  kind: "Demand" | "Capability",
): boolean {
  return resources.get(uid ?? "")?.kind === kind;
}
