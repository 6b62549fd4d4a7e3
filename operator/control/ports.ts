/** What the control stream needs of the cluster; `operator/controller` fills it. */

/** The status of a TokenReview (authentication.k8s.io/v1). */
export interface TokenReviewStatus {
  readonly authenticated: boolean;
  /** Audiences of the token that were asked for. */
  readonly audiences: readonly string[];
  /** `system:serviceaccount:NAMESPACE:NAME`. */
  readonly username: string;
  /** `authentication.kubernetes.io/pod-name`, `…/pod-uid`, `…/node-name`: a list of one each. */
  readonly extra: Readonly<Record<string, readonly string[]>>;
  /** Why it is not authenticated. */
  readonly error?: string;
}

/** Asks the API server whose a token is. */
export interface TokenReviews {
  /**
   * Creates a TokenReview.
   * @param token never logged.
   * @throws when the API server can't be asked.
   */
  review(token: string, audience: string): Promise<TokenReviewStatus>;
}

/** A Secret's data as text, and which write it is from. */
export interface StoredSecret {
  readonly data: Readonly<Record<string, string>>;
  /** metadata.resourceVersion */
  readonly version: string;
}

/** One Secret that the operator alone may read. */
export interface SecretStore {
  /** @returns undefined while there is none. */
  read(): Promise<StoredSecret | undefined>;
  /**
   * Writes all of it.
   * @param expectedVersion of the one that it replaces; undefined: there is none yet.
   * @returns undefined when another write came first: read again.
   */
  write(
    data: Readonly<Record<string, string>>,
    expectedVersion: string | undefined,
  ): Promise<StoredSecret | undefined>;
}
