/** What the benchmark and its operator say to each other. */
import type { TestPod } from "../../support/control-rig.ts";

/** To the operator. Each is answered once. */
export type OperatorCommand =
  | { readonly type: "pods"; readonly pods: readonly TestPod[] }
  /** Another generation of a Demand that selects every pod. */
  | { readonly type: "change" }
  /** Another authority beside the first one. */
  | { readonly type: "rotate" }
  | { readonly type: "memory" };

/** From the operator. */
export type OperatorReply =
  | { readonly type: "started"; readonly port: number; readonly caPem: string }
  | { readonly type: "done" }
  | { readonly type: "memory"; readonly residentBytes: number; readonly heapBytes: number };
