/** Certificates for tests: one authority and leaves under it, made in this process. */
import type { CertificateName } from "../../sidecar/runtime/certificate-name.ts";
import {
  createAuthority,
  type IssuedCertificate,
  issueLeaf,
  selfSigned,
} from "../../sidecar/runtime/certificate.ts";

const hourMs = 3_600_000;

/** A test cluster that issues what a test asks for. */
export interface TestCluster {
  readonly clusterId: string;
  readonly authority: IssuedCertificate;
  /** A leaf of this cluster; `namespace` is `test` unless told. */
  leaf(nodeId: string, over?: Partial<CertificateName>): Promise<IssuedCertificate>;
}

/** Makes an authority for a cluster named `test` unless told. */
export async function createTestCluster(clusterId = "test"): Promise<TestCluster> {
  const validity = { nowMs: Date.now(), validForMs: hourMs };
  const authority = await createAuthority({ clusterId, ...validity });
  return {
    clusterId,
    authority,
    leaf: (nodeId, over) =>
      issueLeaf(authority, {
        name: { clusterId, namespace: "test", nodeId, ...over },
        ...validity,
      }),
  };
}

/** A self-signed leaf, as `noCa` uses. */
export async function selfSignedLeaf(
  nodeId: string,
  over?: Partial<CertificateName>,
): Promise<IssuedCertificate> {
  return selfSigned({
    name: { clusterId: "test", namespace: "test", nodeId, ...over },
    nowMs: Date.now(),
    validForMs: hourMs,
  });
}
