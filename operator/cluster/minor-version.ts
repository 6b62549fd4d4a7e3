/** What an API server says of its version. */

/**
 * The minor version of Kubernetes 1.
 * @param answer of `/version`. Source: Kubernetes API, `version.Info`.
 * @returns undefined when it tells none; Infinity beyond Kubernetes 1.
 */
export function minorOf(answer: unknown): number | undefined {
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(gitVersionOf(answer)) ?? [];
  if (major === undefined) return undefined;
  return major === "1" ? Number(minor) : Number.POSITIVE_INFINITY;
}

/** Such as `v1.36.1`; empty when it tells none. */
export function gitVersionOf(answer: unknown): string {
  const known = typeof answer === "object" && answer !== null && "gitVersion" in answer;
  return known ? String(answer.gitVersion) : "";
}
