import { ControlError } from "./control-error.ts";
import { controlLimits } from "./control-limits.ts";
import type { NamespaceTrust } from "./pod-assignment.ts";

/** What a hub is. */
export interface HubOptions {
  /** Cluster that sidecars belong to, `[-a-z0-9.]{1,63}`. */
  readonly clusterId: string;
  /** Trust of a namespace's sidecars. Asked again after `trustChanged`. */
  readonly trustOf: (namespace: string) => NamespaceTrust;
  /**
   * The first Quiesce has a greater number. Above all that earlier leaders gave: the wall clock in
   * ms does.
   */
  readonly firstSequence: bigint;
  /** Sidecars report at least this often, 100 ms … 1 h. @default 10 s */
  readonly reportIntervalMs?: number;
  /** Sidecars report at most this often. @default 200 ms */
  readonly minReportIntervalMs?: number;
  /**
   * A new leader tells sidecars that hold peers nothing of peers for this long: above the 5 s of
   * jitter that sidecars reconnect with. @default 10 s
   */
  readonly settlePeersMs?: number;
  /** Streams at once. @default 20,000 */
  readonly maxStreams?: number;
}

/** The same, complete. */
export type ResolvedHubOptions = Required<HubOptions>;

/** @throws {ControlError} `OPTION_INVALID`, naming option, value and bound. */
export function resolveHubOptions(options: HubOptions): ResolvedHubOptions {
  const resolved = {
    ...options,
    reportIntervalMs: options.reportIntervalMs ?? 10_000,
    minReportIntervalMs: options.minReportIntervalMs ?? 200,
    settlePeersMs: options.settlePeersMs ?? 10_000,
    maxStreams: options.maxStreams ?? controlLimits.maxStreams,
  };
  inRange("reportIntervalMs", resolved.reportIntervalMs, [100, 3_600_000]);
  inRange("minReportIntervalMs", resolved.minReportIntervalMs, [0, resolved.reportIntervalMs]);
  inRange("settlePeersMs", resolved.settlePeersMs, [0, 600_000]);
  inRange("maxStreams", resolved.maxStreams, [1, controlLimits.maxStreams]);
  return resolved;
}

function inRange(name: string, value: number, [min, max]: readonly [number, number]): void {
  if (value >= min && value <= max) return;
  throw new ControlError(
    "OPTION_INVALID",
    `${name} ${value.toString()} is outside ${min.toString()} … ${max.toString()}`,
  );
}
