/**
 * The name a certificate proves: one SAN URI, `spiffe://CLUSTER/ns/NAMESPACE/node/NODEID`.
 * Whatever issues and whatever checks certificates builds and reads it here.
 */

/** A node's full name, as its certificate states it. */
export interface CertificateName {
  /** `[-a-z0-9.]{1,63}`. */
  readonly clusterId: string;
  /** `[-a-z0-9]{1,63}`. */
  readonly namespace: string;
  /** `[-A-Za-z0-9.]{1,63}`. */
  readonly nodeId: string;
}

const namePattern =
  /^spiffe:\/\/([-a-z0-9.]{1,63})\/ns\/([-a-z0-9]{1,63})\/node\/([-A-Za-z0-9.]{1,63})$/;

/**
 * @returns the SAN URI of a node; undefined when a part is outside its alphabet or length, so that
 *   no name can be read as another's.
 */
export function certificateUri(name: CertificateName): string | undefined {
  const uri = `spiffe://${name.clusterId}/ns/${name.namespace}/node/${name.nodeId}`;
  return parseCertificateUri(uri) === undefined ? undefined : uri;
}

/** @returns the name in a SAN URI; undefined when it is no name of ours. */
export function parseCertificateUri(uri: string): CertificateName | undefined {
  const match = namePattern.exec(uri);
  if (match === null) return undefined;
  const [, clusterId = "", namespace = "", nodeId = ""] = match;
  return { clusterId, namespace, nodeId };
}

/**
 * Reads the name from the subject alternative names as Node prints them
 * (`URI:spiffe://…, DNS:…`). Exactly one `spiffe:` URI must stand there: with two, it would depend
 * on the reader who the certificate is.
 * @returns undefined when there is none, more than one, or one that is no name of ours.
 */
export function nameInSubjectAltName(subjectAltName: string): CertificateName | undefined {
  // A quoted entry (JSON string) is how Node marks one with odd characters; ours has none.
  if (subjectAltName.includes('"')) return undefined;
  const uris = subjectAltName.split(", ").filter((entry) => entry.startsWith("URI:spiffe:"));
  const [only] = uris;
  if (only === undefined || uris.length > 1) return undefined;
  return parseCertificateUri(only.slice("URI:".length));
}

/** @returns whether two names are the same node of the same namespace and cluster. */
export function sameCertificateName(left: CertificateName, right: CertificateName): boolean {
  return (
    left.clusterId === right.clusterId &&
    left.namespace === right.namespace &&
    left.nodeId === right.nodeId
  );
}
