/** The state of a folder as a person reads it. */
import type { FolderStatus } from "./folder-status.ts";

/** @returns lines with a newline at the end. */
export function statusText(status: FolderStatus): string {
  const programs = status.programs.map(({ name, replica, pid, port, sidecar }) => [
    `${name}-${replica}`,
    pid === null ? "not running" : `pid ${pid}`,
    port === undefined ? "-" : `http://127.0.0.1:${port}`,
    sidecar.pid === null ? "sidecar not running" : `sidecar ${sidecar.pid}`,
    sidecar.socketPath,
  ]);
  const demands = status.demands.map(({ name, counts, providers, desiredProviders }) => [
    name,
    ...Object.entries(counts).map(([state, count]) => `${count} ${state}`),
    `${providers.length} ${providers.length === 1 ? "provider" : "providers"} (${desiredProviders} desired)`,
  ]);
  const capabilities = status.capabilities.map(({ name, running, slots, demands: joined }) => [
    name,
    `${running} of ${slots} slots in use`,
    joined.length === 0 ? "no demand" : `works for ${joined.join(", ")}`,
  ]);
  return [
    ...section("programs", programs),
    ...section("demands", demands),
    ...section("capabilities", capabilities),
    ...(status.problems.length === 0
      ? ["no problems"]
      : section(
          "problems",
          status.problems.map((problem) => [problem]),
        )),
    "",
  ].join("\n");
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
