/**
 * Every label, annotation and field manager of this project: what others select by, write, and see
 * in `kubectl get -o yaml`. A change here is a change of the API; `docs/` names them.
 */

/** Labels of objects that are ours or that opted in. */
export const labels = {
  /** `"true"` on a namespace or pod: pods get a sidecar. */
  inject: "spillway.dev/inject",
  /** Set by injection on every pod that carries a sidecar; only those are watched. */
  injected: "spillway.dev/injected",
  /**
   * `"true"` on a ConfigMap with descriptor sets: a change is seen at once. One without it is read
   * again every few minutes.
   */
  contract: "spillway.dev/contract",
} as const;

/** Annotations that are ours. */
export const annotations = {
  /** `paused` on a resource: the operator leaves it alone. */
  reconcile: "spillway.dev/reconcile",
  /** Size of a pod's shared-memory volume, an amount of bytes. */
  shmSize: "spillway.dev/shm-size",
  /** Port of the application's API on loopback, for languages without unix sockets. */
  httpPort: "spillway.dev/http-port",
  /** Level of the sidecar's log. */
  logLevel: "spillway.dev/log-level",
  /** Memory limit of the sidecar. */
  memoryLimit: "spillway.dev/memory-limit",
  /** CPU request of the sidecar. */
  cpuRequest: "spillway.dev/cpu-request",
} as const;

/** Value of `annotations.reconcile` that stops the operator for one object. */
export const reconcilePaused = "paused";

/**
 * Kubernetes' own annotation: a Deployment's pods with lower cost are removed first.
 * Source: Kubernetes, "Pod deletion cost".
 */
export const podDeletionCost = "controller.kubernetes.io/pod-deletion-cost";

/** The one value that the operator writes there. */
export const removedFirst = "-1000";

/** Field managers, one per controller and one for its status. */
export const fieldManagers = {
  demandStatus: "spillway-demand-status",
  capabilityStatus: "spillway-capability-status",
  scaleIn: "spillway-scale-in",
  trust: "spillway-trust",
} as const;
