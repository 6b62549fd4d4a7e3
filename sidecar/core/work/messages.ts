/**
 * The messages the engines send, as plain values of the generated types. `create()` walks the
 * descriptor for each message; these literals are the same values (a test compares) at a tenth of
 * it.
 */
import type {
  Delivery,
  Lease,
  Providers,
  SettledStatus,
  ToDemand,
  ToProvider,
} from "../../../proto/gen/spillway/work/v1/work_pb.ts";

type ToProviderKind = Exclude<ToProvider["kind"], { case: undefined }>;
type ToDemandKind = Exclude<ToDemand["kind"], { case: undefined }>;

/** Wraps what a demand says. */
export function toProvider(kind: ToProviderKind): ToProvider {
  return { $typeName: "spillway.work.v1.ToProvider", kind };
}

/** Wraps what a provider says. */
export function toDemand(kind: ToDemandKind): ToDemand {
  return { $typeName: "spillway.work.v1.ToDemand", kind };
}

/** Names a delivery. */
export function leaseOf(sequence: number, delivery: number): Lease {
  return { $typeName: "spillway.work.v1.Lease", sequence: BigInt(sequence), delivery };
}

/** Items, each with its lease. */
export function deliver(items: Delivery[]): ToProvider {
  return toProvider({ case: "deliver", value: { $typeName: "spillway.work.v1.Deliver", items } });
}

/** What became of leases. */
export function settled(leases: Lease[], status: SettledStatus, state: string): ToProvider {
  return toProvider({
    case: "settled",
    value: { $typeName: "spillway.work.v1.Settled", leases, status, state },
  });
}

/** Leases that one message may name. */
export const maxNamed = 1_000;

/** How many providers there are. */
export function providersOf(counts: {
  readonly desired: number;
  readonly max: number;
  readonly connected: number;
}): Providers {
  return { $typeName: "spillway.work.v1.Providers", ...counts };
}

/** Deliveries permitted since Admit, in all. */
export function credit(limit: number, revision: number): ToDemand {
  return toDemand({
    case: "credit",
    value: { $typeName: "spillway.work.v1.Credit", limit: BigInt(limit), revision },
  });
}
