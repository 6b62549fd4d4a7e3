/**
 * `@fails-components/webtransport` as it comes, for probes of its defects and for comparison: typed
 * by what a user sees, TLS by certificate hash.
 */
import { randomBytes, X509Certificate } from "node:crypto";
import type { ReadableStream, WritableStream } from "node:stream/web";
import type { IssuedCertificate } from "../../sidecar/runtime/certificate.ts";
import { loadPackage } from "../../sidecar/transport/webtransport/load-package.ts";
import { selfSignedLeaf } from "./certificates.ts";

/** A bidirectional stream of the package. */
export interface BareStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** A session of the package, at either side. */
export interface BareSession {
  readonly ready: Promise<void>;
  readonly closed: Promise<{ readonly closeCode?: number; readonly reason?: string }>;
  readonly incomingBidirectionalStreams: ReadableStream<BareStream>;
  createBidirectionalStream(): Promise<BareStream>;
  close(info?: { readonly closeCode: number; readonly reason: string }): void;
}

/** What a test may ask of the package beyond its defaults. */
export type BareOptions = Readonly<Record<string, unknown>>;

/** Windows as ours: initial = limit, powers of two. */
export const largeWindows: BareOptions = {
  initialStreamFlowControlWindow: 4 << 20,
  streamFlowControlWindowSizeLimit: 4 << 20,
  initialSessionFlowControlWindow: 16 << 20,
  sessionFlowControlWindowSizeLimit: 16 << 20,
};

/** A listening server of the package. */
export interface BareServer {
  readonly port: number;
  /** The leaf, DER: whoever dials trusts it by its hash. */
  readonly certificate: Buffer;
  /** The package's own object. */
  readonly inner: object;
  readonly sessions: ReadableStream<BareSession>;
  stop(): void;
}

interface InnerServer {
  readonly ready: Promise<void>;
  startServer(): void;
  stopServer(): void;
  address(): { readonly port: number } | null;
  setRequestCallback(callback: unknown): void;
  sessionStream(path: string): ReadableStream<BareSession>;
}

/**
 * Starts a server of the package.
 * @param requestCallback decides on requests; undefined leaves the package's own way.
 * @param certificate its leaf. @default one made here
 */
export async function listenBare(
  options: BareOptions = {},
  requestCallback?: () => Promise<object>,
  certificate?: IssuedCertificate,
): Promise<BareServer> {
  const { Http2Server } = await loadPackage();
  const leaf = certificate ?? (await selfSignedLeaf("bare"));
  const inner = new Http2Server({
    port: 0,
    host: "127.0.0.1",
    secret: randomBytes(16).toString("hex"),
    cert: leaf.certificatePem,
    privKey: leaf.privateKeyPem,
    ...options,
  }) as unknown as InnerServer;
  inner.startServer();
  if (requestCallback !== undefined) inner.setRequestCallback(requestCallback);
  const sessions = inner.sessionStream("/bare");
  await inner.ready;
  return {
    port: inner.address()?.port ?? 0,
    certificate: new X509Certificate(leaf.certificatePem).raw,
    inner,
    sessions,
    stop: () => {
      inner.stopServer();
    },
  };
}

/** Dials a server of the package, or a foreign one that answers with `certificate`. */
export async function dialBare(
  port: number,
  certificate: Buffer,
  options: BareOptions = {},
): Promise<BareSession> {
  const { WebTransport } = await loadPackage();
  const { fingerprint256 } = new X509Certificate(certificate);
  const value = Buffer.from(fingerprint256.replaceAll(":", ""), "hex");
  return new WebTransport(`https://127.0.0.1:${port}/bare`, {
    forceReliable: true,
    serverCertificateHashes: [{ algorithm: "sha-256", value }],
    ...options,
  }) as unknown as BareSession;
}
