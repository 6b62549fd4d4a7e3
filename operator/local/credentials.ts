/**
 * Who the sidecars of a folder are to each other: an authority per run, a leaf each, one key for
 * announcements.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  createAuthority,
  issueLeaf,
  type IssuedCertificate,
} from "../../sidecar/runtime/certificate.ts";
import type { FolderName } from "./folder-name.ts";
import type { ReplicaPaths } from "./node-config.ts";

/** Certificates live as long as a run may: it makes new ones at each start. */
const validForMs = 365 * 24 * 3_600_000;

/** Bytes of the key that announcements are marked with. */
const clusterKeyBytes = 32;

/**
 * Makes the authority and the cluster key. The authority's private key stays in memory.
 * @param nowMs wall clock, ms since 1970.
 */
export async function makeClusterCredentials(
  stateFolder: string,
  { clusterId }: FolderName,
  nowMs: number,
): Promise<IssuedCertificate> {
  const authority = await createAuthority({ clusterId, nowMs, validForMs });
  writeSecret(join(stateFolder, "ca.pem"), authority.certificatePem);
  const key = randomBytes(clusterKeyBytes).toString("base64");
  writeSecret(join(stateFolder, "cluster-key"), `${key}\n`);
  return authority;
}

/** Issues the leaf of one node and writes it where its configuration says. Cost: 7–10 ms. */
export async function makeNodeCredentials(
  authority: IssuedCertificate,
  node: {
    readonly folder: FolderName;
    readonly nodeId: string;
    readonly paths: ReplicaPaths;
    /** Wall clock, ms since 1970. */
    readonly nowMs: number;
  },
): Promise<void> {
  const { clusterId, namespace } = node.folder;
  const name = { clusterId, namespace, nodeId: node.nodeId };
  const leaf = await issueLeaf(authority, { name, nowMs: node.nowMs, validForMs });
  mkdirSync(dirname(node.paths.certificateFile), { recursive: true, mode: 0o700 });
  writeSecret(node.paths.certificateFile, leaf.certificatePem);
  writeSecret(node.paths.privateKeyFile, leaf.privateKeyPem);
}

function writeSecret(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
}
