/** The state of work as a person reads it: the same of a folder and of a cluster. */
import type { CapabilityStatus, DemandStatus } from "./work-status.ts";

/** What is shown. */
export interface StatusSections {
  /** Where sidecars are: programs of a folder, pods of a namespace. */
  readonly places: {
    readonly title: string;
    readonly rows: readonly (readonly string[])[];
  };
  readonly demands: readonly (DemandStatus & {
    /** Where they are only counted. @default the length of `providers` */
    readonly connectedProviders?: number;
  })[];
  readonly capabilities: readonly (CapabilityStatus & {
    /** Where the demands are only counted. @default the length of `demands` */
    readonly connections?: number;
  })[];
  readonly problems: readonly string[];
}

/** @returns lines with a newline at the end. */
export function statusText({ places, ...work }: StatusSections): string {
  const demands = work.demands.map((demand) => {
    const { name, counts, providers, desiredProviders } = demand;
    const connected = demand.connectedProviders ?? providers.length;
    return [
      name,
      ...Object.entries(counts).map(([state, count]) => `${count} ${state}`),
      `${connected} ${connected === 1 ? "provider" : "providers"} (${desiredProviders} desired)`,
    ];
  });
  const capabilities = work.capabilities.map(({ name, running, slots, ...joined }) => [
    name,
    `${running} of ${slots} slots in use`,
    joinedText(joined),
  ]);
  return [
    ...section(places.title, places.rows),
    ...section("demands", demands),
    ...section("capabilities", capabilities),
    ...(work.problems.length === 0
      ? ["no problems"]
      : section(
          "problems",
          work.problems.map((problem) => [problem]),
        )),
    "",
  ].join("\n");
}

function joinedText({
  demands,
  connections = demands.length,
}: {
  readonly demands: readonly string[];
  readonly connections?: number;
}): string {
  if (demands.length > 0) return `works for ${demands.join(", ")}`;
  return connections === 0 ? "no demand" : `joined to ${connections} queues`;
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd(),
  );
  return [title, ...lines];
}
