/** What `kubectl get` shows of a resource, in columns; priority 1 only with `-o wide`. */

import type { ConditionType } from "./conditions.ts";

/** A column. */
export interface PrintedColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "boolean" | "date";
  readonly jsonPath: string;
  readonly description: string;
  readonly priority?: 1;
}

const text = of("string");
const count = of("integer");
const age = of("date");

/** Columns that every kind begins with. */
const first: readonly PrintedColumn[] = [
  text("Ready", condition("Ready", "status"), "Whether it works."),
  text("Reason", condition("Ready", "reason"), "Why it works or does not."),
];

/** Columns that every kind ends with. */
const last: readonly PrintedColumn[] = [
  wide(text("Request", ".spec.contract.request", "Message that describes a piece of work.")),
  wide(text("Response", ".spec.contract.response", "Message that describes its result.")),
  age("Age", ".metadata.creationTimestamp", "How long it has been there."),
];

/** Columns by kind. */
export const printedColumns = {
  Demand: [
    ...first,
    count("Items-Ready", ".status.items.ready", "Items that wait for a provider."),
    count("Items-Leased", ".status.items.leased", "Items that a provider works on."),
    count("Items-Dead", ".status.items.dead", "Items that were given up and are kept."),
    count("Providers", ".status.connectedProviders", "Providers connected."),
    wide(count("Items-Delayed", ".status.items.delayed", "Items that wait for their time.")),
    wide(age("Oldest", ".status.oldestReadySince", "How long the oldest ready item waits.")),
    wide(count("Queues", ".status.queues", "Queues, one for each pod.")),
    wide(count("Deficit", ".status.providerDeficit", "Providers missing.")),
    wide(of("boolean")("Paused", ".spec.paused", "Whether grants are stopped.")),
    ...last,
  ],
  Capability: [
    ...first,
    count("Providers", ".status.providers", "Pods that provide."),
    count("Connections", ".status.connections", "Queues joined."),
    count("Running", ".status.running", "Items that are worked on."),
    count("Replicas", ".status.scale.desiredReplicas", "Replicas that the work justifies."),
    wide(text("Target", ".spec.scale.targetRef.name", "What is scaled.")),
    wide(count("Current", ".status.scale.currentReplicas", "Replicas that it asks for now.")),
    wide(text("Multicast", condition("MulticastReachable", "status"), "Whether it is heard.")),
    ...last,
  ],
} as const satisfies Readonly<Record<string, readonly PrintedColumn[]>>;

function of(type: PrintedColumn["type"]) {
  return (name: string, jsonPath: string, description: string): PrintedColumn => ({
    name,
    type,
    jsonPath,
    description,
  });
}

function wide(column: PrintedColumn): PrintedColumn {
  return { ...column, priority: 1 };
}

function condition(type: ConditionType, part: "status" | "reason"): string {
  return `.status.conditions[?(@.type=="${type}")].${part}`;
}
