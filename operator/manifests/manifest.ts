/** What every manifest of this room has, and who the operator is in a cluster. */

/** An object as `kubectl apply` takes it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** Who the operator is. */
export interface OperatorIdentity {
  /** Namespace it runs in. */
  readonly namespace: string;
  /** Name of its ServiceAccount. */
  readonly serviceAccount: string;
}
