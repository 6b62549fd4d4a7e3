/** Who this node is: certificate and keys from files, or self-signed in development. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { NodeConfig } from "../../proto/gen/spillway/control/v1/node_config_pb.ts";
import { selfSigned } from "../runtime/certificate.ts";
import type { CredentialOptions } from "../transport/webtransport/index.ts";
import { type AnnouncementKey, announcementKey } from "../wire/announcement.ts";
import { NodeError } from "./node-error.ts";

const dayMs = 24 * 60 * 60 * 1_000;
const clusterKeyBytes = 32;

/** What the transport proves itself with. */
export async function credentialsOf(
  config: NodeConfig,
  nowEpochMs: number,
): Promise<CredentialOptions> {
  const { identity, clusterId, namespace, nodeId } = config;
  if (identity?.noCa === true) {
    const name = { clusterId, namespace, nodeId };
    const issued = await selfSigned({ name, nowMs: nowEpochMs, validForMs: 365 * dayMs });
    return {
      certificate: { pem: issued.certificatePem },
      privateKey: { pem: issued.privateKeyPem },
      authorities: [],
      noCa: true,
    };
  }
  return {
    certificate: { file: required(identity?.certificateFile, "certificateFile") },
    privateKey: { file: required(identity?.privateKeyFile, "privateKeyFile") },
    authorities: [{ file: required(identity?.caFile, "caFile") }],
  };
}

/**
 * The key that announcements are marked with.
 * @throws {NodeError} `IDENTITY_INVALID`.
 */
export function announcementKeyOf(config: NodeConfig): AnnouncementKey {
  const { clusterId, namespace, identity } = config;
  const file = identity?.clusterKeyFile ?? "";
  if (file === "" && identity?.noCa === true) {
    // Known to everybody, as the whole mode is: it keeps clusters apart, not strangers out.
    const known = createHash("sha256").update(`spillway no-ca ${clusterId}`).digest();
    return announcementKey(known, clusterId, namespace);
  }
  return announcementKey(readClusterKey(required(file, "clusterKeyFile")), clusterId, namespace);
}

function readClusterKey(file: string): Uint8Array {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new NodeError("IDENTITY_INVALID", `the cluster key cannot be read: ${reason}`, {
      cause: error,
    });
  }
  const key = Buffer.from(text.trim(), "base64");
  if (key.length !== clusterKeyBytes) {
    throw new NodeError(
      "IDENTITY_INVALID",
      `${file} holds ${String(key.length)} bytes; a cluster key has 32, in base64`,
    );
  }
  return key;
}

function required(file: string | undefined, field: string): string {
  if (file === undefined || file === "") {
    throw new NodeError(
      "IDENTITY_INVALID",
      `identity.${field} is missing; name the file, or set identity.noCa for development`,
    );
  }
  return file;
}
