/**
 * Who we are and whom we trust. Two sources: the files that a pod gets, and a kubeconfig. Both give
 * the same record, asked for again every minute, because tokens and certificates rotate.
 */
import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { ApiError } from "./api-error.ts";

/** TLS of a connection, as Node takes it. */
export type TlsOptions = Pick<
  ConnectionOptions,
  "ca" | "cert" | "key" | "pfx" | "passphrase" | "rejectUnauthorized" | "servername"
>;

/** What one request and its connection carry at this moment. */
export interface ResolvedCredentials {
  /** Headers of every request: authorization, impersonation. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
}

/** Where the API server is and how to be let in. */
export interface Credentials {
  /** Base address, for example `https://10.0.0.1:443`. */
  readonly server: string;
  /** HTTP proxy on the way, if any. */
  readonly proxy?: string | undefined;
  /** Namespace of the pod or of the kubeconfig's context. */
  readonly namespace: string | undefined;
  /**
   * Reads what may have rotated.
   * @throws {ApiError} `CREDENTIALS_INVALID`
   */
  resolve(): Promise<ResolvedCredentials>;
}

/** Where a pod finds its service account. */
export interface InClusterOptions {
  /** Value of `KUBERNETES_SERVICE_HOST`. */
  readonly host: string;
  /** Value of `KUBERNETES_SERVICE_PORT`. */
  readonly port: string;
  /** Folder of `token`, `ca.crt`, `namespace`. @default where the kubelet mounts it */
  readonly folder?: string;
}

const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const message = `service account: ${path} cannot be read; is its token mounted?`;
    throw new ApiError("CREDENTIALS_INVALID", message, { cause });
  }
}

/**
 * The credentials of a pod. Needs nothing but Node: no client library is loaded.
 * @throws {ApiError} `CREDENTIALS_INVALID` for a missing file.
 */
export async function inClusterCredentials(options: InClusterOptions): Promise<Credentials> {
  const { host, port, folder = serviceAccountFolder } = options;
  const namespace = (await readText(`${folder}/namespace`)).trim();
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace,
    async resolve() {
      const [token, ca] = await Promise.all([
        readText(`${folder}/token`),
        readText(`${folder}/ca.crt`),
      ]);
      return { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } };
    },
  };
}
