/**
 * One machine in the place of a cluster: reads a folder (manifests, protos, apps.yaml), makes each
 * sidecar's configuration, runs sidecars and programs, and tells their state.
 * Invariant: knows sidecars only by their configuration file, their pipe, their ready file and
 * their HTTP. Imported by operator/cli alone; tests in test/unit/operator/local and
 * test/integration/up.
 *
 * The pipe is the sidecar's standard input (`--parent-pipe 0`): JSON lines {"program": {"pid": N,
 * "startTime": "…"}} or {"program": null}, the latest wins; its end of file means that `up` is
 * gone, however it died, and the sidecar ends the program's process group and itself.
 */
export { configMapYaml } from "./config-map.ts";
export { folderSections } from "./folder-status.ts";
export type { FolderStatus } from "./folder-status.ts";
export { loadManifests } from "./load-folder.ts";
export { LocalError, problemText } from "./local-error.ts";
export type { LocalErrorCode, Problem } from "./local-error.ts";
export { createOutput } from "./output.ts";
export type { Output, OutputOptions } from "./output.ts";
export type { RunningFolder } from "./running-folder.ts";
export { startFolder } from "./start-folder.ts";
export type { UpOptions } from "./start-folder.ts";
export type { StateRoots } from "./state-folder.ts";
export { placesOf, statusOf } from "./status.ts";
