/** Builders for what a reconcile is shown. Time is Unix ms; the leader started at `startMs`. */
import type {
  ObservedPod,
  PoolReport,
  QueueReport,
  SelectedPod,
  SidecarReport,
} from "../../operator/reconcile/index.ts";
import {
  readCapability,
  readDemand,
  type ReadStored,
  type StoredCapability,
  type StoredDemand,
} from "../../operator/schema/index.ts";
import { capabilityManifest, demandManifest, type Json } from "./manifests.ts";

/** When the leader of every test started. */
export const startMs = Date.parse("2026-01-01T00:00:00Z");

/** Metadata that an API server adds. */
function storedMetadata(name: string): Json {
  return {
    name,
    namespace: "shop",
    uid: `uid-${name}`,
    resourceVersion: "7",
    generation: 1,
    creationTimestamp: "2025-12-31T00:00:00Z",
  };
}

/** The Demand `thumbnails` as it is stored, changed in one place. */
export function storedDemand(change: (it: Json) => void = () => {}): ReadStored<StoredDemand> {
  const manifest = demandManifest();
  manifest.metadata = storedMetadata("thumbnails");
  change(manifest);
  return readDemand(manifest);
}

/** The Capability `thumbnailer` as it is stored, changed in one place. */
export function storedCapability(
  change: (it: Json) => void = () => {},
): ReadStored<StoredCapability> {
  const manifest = capabilityManifest();
  manifest.metadata = storedMetadata("thumbnailer");
  change(manifest);
  return readCapability(manifest);
}

/** A resource that was read without refusal. */
export function readable<T extends { readonly spec: unknown }>(read: ReadStored<T>): T {
  if (!read.ok) throw new Error(JSON.stringify(read.refusals));
  return read.resource;
}

/** A running pod with a sidecar, older than the leader. */
export function pod(name: string, change: Partial<ObservedPod> = {}): ObservedPod {
  return {
    uid: `uid-${name}`,
    name,
    labels: { app: "web" },
    deleted: false,
    ended: false,
    pending: false,
    injected: true,
    removedFirst: false,
    createdAtMs: startMs - 3_600_000,
    ...change,
  };
}

/** A queue in which nothing is. */
export function queue(change: Partial<QueueReport> = {}): QueueReport {
  return { items: items(), providers: [], deficit: 0, ...change };
}

/** Items by state, all 0 but for the given. */
export function items(change: Partial<QueueReport["items"]> = {}): QueueReport["items"] {
  const none = { ready: 0, delayed: 0, leased: 0, done: 0, dead: 0, cancelled: 0, expired: 0 };
  return { ...none, ...change };
}

/** A pool in which nothing runs. */
export function pool(change: Partial<PoolReport> = {}): PoolReport {
  return { connections: 1, running: 0, ...change };
}

/** A report of a connected sidecar that works by generation 1. */
export function report<Part>(
  part: Part,
  change: Partial<SidecarReport<Part>> = {},
): SidecarReport<Part> {
  return {
    receivedAtMs: startMs + 1_000,
    connected: true,
    quiesced: false,
    acknowledged: { generation: 1 },
    part,
    ...change,
  };
}

/** A pod whose sidecar reports. */
export function reporting<Part>(
  name: string,
  part: Part,
  change: Partial<SidecarReport<Part>> = {},
): SelectedPod<Part> {
  return { pod: pod(name), report: report(part, change) };
}
