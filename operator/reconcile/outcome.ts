/** What a reconcile decides: the only way out of this room. */

/** Everything that a reconcile may ask of the outside. Each is harmless when done twice. */
export type Action =
  /** Tell the selected sidecars this spec. Absent: they keep what they were told last. */
  | { readonly type: "serve"; readonly descriptorSet: string }
  /** These pods take nothing more; every other pod of the object works. The whole set. */
  | { readonly type: "quiesce"; readonly podUids: readonly string[] }
  /** Have a pod removed first (−1000), or take that back. */
  | { readonly type: "markPod"; readonly podName: string; readonly removedFirst: boolean }
  /**
   * Set the target's replicas, only if it is still at `resourceVersion`. Comes after the marks, and
   * only once they are written.
   */
  | { readonly type: "scale"; readonly replicas: number; readonly resourceVersion: string };

/** Something that a person should see in `kubectl describe`. */
export interface ReconcileEvent {
  readonly type: "Normal" | "Warning";
  /** One word, of the reasons of conditions or of `eventReasons`. */
  readonly reason: string;
  /** A sentence. */
  readonly note: string;
}

/** Reasons of events that are no reasons of conditions. */
export const eventReasons = {
  ScaledUp: "The target's replicas were raised.",
  ScaledDown: "The target's replicas were lowered.",
  ScaleInUndone: "A pod that should have been removed is still there and takes work again.",
} as const;

/** A decision. */
export interface Outcome<Status> {
  /** In the order in which they are to be done. */
  readonly actions: readonly Action[];
  /** The whole status as it should stand; written when `StatusSchedule` says so. */
  readonly status: Status;
  readonly events: readonly ReconcileEvent[];
  /** When to look again without any change, ms from now; Infinity: only after a change. */
  readonly requeueAfterMs: number;
}
