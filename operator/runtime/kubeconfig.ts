/**
 * Credentials of a kubeconfig, by the client library: every way to authenticate that it knows
 * (certificates, tokens, files, exec plug-ins, OIDC). The library costs about 60 MB and half a
 * second, so it is loaded when a kubeconfig is asked for and never in a pod.
 */
import type { RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { ApiError } from "./api-error.ts";
import type { Credentials, ResolvedCredentials, TlsOptions } from "./credentials.ts";

/** Which kubeconfig, and which context in it. */
export interface KubeconfigOptions {
  /** Path of the file. @default `KUBECONFIG`, else `~/.kube/config` */
  readonly path?: string | undefined;
  /** Name of the context. @default the file's current one */
  readonly context?: string | undefined;
}

function refuse(message: string, cause?: unknown): ApiError {
  return new ApiError("CREDENTIALS_INVALID", `kubeconfig: ${message}`, { cause });
}

function headersOf(options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    if (typeof value === "string") headers[name.toLowerCase()] = value;
  }
  if (typeof options.auth === "string") {
    headers.authorization = `Basic ${Buffer.from(options.auth).toString("base64")}`;
  }
  return headers;
}

function tlsOf(options: RequestOptions): TlsOptions {
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(pfx === undefined ? {} : { pfx }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...(servername === undefined ? {} : { servername }),
  };
}

async function load(options: KubeconfigOptions): Promise<KubeConfig> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  try {
    if (options.path === undefined) config.loadFromDefault();
    else config.loadFromFile(options.path);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw refuse(`${options.path ?? "the default one"} cannot be read: ${message}`, cause);
  }
  if (options.context !== undefined) config.setCurrentContext(options.context);
  return config;
}

/**
 * The credentials of a kubeconfig's context.
 * @throws {ApiError} `CREDENTIALS_INVALID` for a file that cannot be read, a context or cluster
 *   that does not exist, or a proxy that is SOCKS or no address.
 */
export async function kubeconfigCredentials(options: KubeconfigOptions = {}): Promise<Credentials> {
  const config = await load(options);
  const context = config.getContextObject(config.getCurrentContext());
  const cluster = config.getCurrentCluster();
  if (context === null || cluster === null) {
    const known = config.getContexts().map(({ name }) => name);
    const name = config.getCurrentContext();
    throw refuse(`no context ${name} with a cluster; there is: ${known.join(", ") || "none"}`);
  }
  checkProxy(cluster.proxyUrl);
  return {
    server: cluster.server,
    proxy: cluster.proxyUrl,
    namespace: context.namespace,
    resolve: () => resolve(config),
  };
}

/** What it refuses it does not quote: user and password may stand in it. */
function checkProxy(address: string | undefined): void {
  if (address === undefined) return;
  if (address.startsWith("socks")) {
    throw refuse("proxy-url: SOCKS is not supported; use an HTTP proxy");
  }
  const url = URL.parse(address);
  if (url === null) throw refuse("proxy-url is no address; write http://HOST:PORT");
  try {
    decodeURIComponent(`${url.username}:${url.password}`);
  } catch {
    throw refuse(
      "proxy-url has a % in its user or password that begins no character in UTF-8; write %25 for %",
    );
  }
}

async function resolve(config: KubeConfig): Promise<ResolvedCredentials> {
  const options: RequestOptions = { headers: {} };
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    // The text of an exec plug-in's failure tells what to do; it holds no secret of ours.
    const message = cause instanceof Error ? cause.message : String(cause);
    throw refuse(`no credentials: ${message}`, cause);
  }
  return { headers: headersOf(options), tls: tlsOf(options) };
}
