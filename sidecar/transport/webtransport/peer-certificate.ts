import type { PeerCertificate } from "node:tls";
import { nameInSubjectAltName } from "../../runtime/certificate-name.ts";
import type { CertificateIdentity } from "../carrier.ts";
import { plainFingerprint } from "./credentials.ts";

/**
 * Who a certificate says its holder is.
 * @param certificate as `getPeerCertificate()` gives it; asked once, since Node answers differently
 *   the second time at the dialling side.
 * @returns undefined when there is no certificate or it names no node.
 */
export function identityOf(certificate: PeerCertificate): CertificateIdentity | undefined {
  // Without a certificate Node gives an empty object, whatever its type says.
  const { subjectaltname, fingerprint256 }: Partial<PeerCertificate> = certificate;
  if (subjectaltname === undefined || fingerprint256 === undefined) return undefined;
  const name = nameInSubjectAltName(subjectaltname);
  return name && { ...name, fingerprint: plainFingerprint(fingerprint256) };
}

/** @returns whether Node gave a certificate at all. */
export function hasCertificate(certificate: PeerCertificate): boolean {
  return Object.keys(certificate).length > 0;
}

/**
 * Compares the peer's name with ours and, at the dialling side, with the node that was dialled.
 * @returns a sentence that says what differs; undefined when nothing does.
 */
export function nameDifference(
  peer: CertificateIdentity | undefined,
  own: CertificateIdentity,
  dialledNodeId?: string,
): string | undefined {
  if (peer === undefined) return "the peer's certificate names no node (SAN URI spiffe://…)";
  if (peer.clusterId !== own.clusterId) {
    return `the peer is of cluster ${peer.clusterId}, this node of ${own.clusterId}`;
  }
  if (peer.namespace !== own.namespace) {
    return `the peer is of namespace ${peer.namespace}, this node of ${own.namespace}`;
  }
  if (dialledNodeId !== undefined && peer.nodeId !== dialledNodeId) {
    return `node ${dialledNodeId} was dialled, ${peer.nodeId} answered`;
  }
  return undefined;
}
