/** Who the node of this process is. */
import { createHash, X509Certificate } from "node:crypto";
import { nameInSubjectAltName, type CertificateName } from "../../runtime/certificate-name.ts";
import type { Credentials } from "../config.ts";
import { SdkError } from "../sdk-error.ts";

/** A name, and with credentials what they prove it with. */
export interface EmbeddedIdentity {
  readonly name: CertificateName;
  /** PEM; absent in the development mode. */
  readonly authority?: string;
  /** Marks announcements, 32 bytes; absent in the development mode. */
  readonly clusterKey?: Uint8Array;
}

const clusterKeyBytes = 32;

/**
 * The name in the certificate; in the development mode a random node of cluster `development`.
 * Without a `clusterKey` announcements are marked with a key made from the first authority: it
 * keeps clusters apart, but whoever has the authority's certificate can announce. Who is then
 * dialled must still prove itself.
 * @param randomId 16 hex digits, new at each call.
 * @throws {SdkError} `INVALID_OPTION`.
 */
export function identityOf(
  credentials: Credentials | undefined,
  randomId: () => string,
): EmbeddedIdentity {
  if (credentials === undefined) {
    const nodeId = `sdk-${randomId()}`;
    return { name: { clusterId: "development", namespace: "default", nodeId } };
  }
  const [leaf, ...chain] = certificatesIn(credentials.certificate);
  const authorities = credentials.ca === undefined ? chain : certificatesIn(credentials.ca);
  const [authority] = authorities;
  if (leaf === undefined || authority === undefined) {
    const message =
      "setCredentials: no authority to check peers against; pass ca, or a certificate with its chain.";
    throw new SdkError("INVALID_OPTION", message);
  }
  const name = nameInSubjectAltName(new X509Certificate(leaf).subjectAltName ?? "");
  if (name === undefined) {
    const message =
      "setCredentials: the certificate names no node; its SAN needs one URI " +
      "spiffe://CLUSTER/ns/NAMESPACE/node/NODEID.";
    throw new SdkError("INVALID_OPTION", message);
  }
  return {
    name: { ...name, clusterId: clusterIdOf(credentials, name) },
    authority: authorities.join("\n"),
    clusterKey: clusterKeyOf(credentials.clusterKey, authority),
  };
}

/** Both must say the same: peers compare the certificate's. */
function clusterIdOf(credentials: Credentials, name: CertificateName): string {
  const { clusterId = name.clusterId } = credentials;
  if (clusterId !== name.clusterId) {
    const message = `setCredentials: clusterId "${clusterId}" is not the certificate's "${name.clusterId}".`;
    throw new SdkError("INVALID_OPTION", message);
  }
  return clusterId;
}

function clusterKeyOf(text: string | undefined, authority: string): Uint8Array {
  if (text === undefined) {
    const { raw } = new X509Certificate(authority);
    return createHash("sha256").update("spillway announcements\n").update(raw).digest();
  }
  const key = Buffer.from(text.trim(), "base64");
  if (key.length !== clusterKeyBytes) {
    const message = `setCredentials: clusterKey has ${key.length} bytes; it must have 32, as base64.`;
    throw new SdkError("INVALID_OPTION", message);
  }
  return key;
}

function certificatesIn(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
