import { readFile } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { X509Certificate } from "node:crypto";
import { type CertificateName, nameInSubjectAltName } from "../../runtime/certificate-name.ts";
import { selfSigned } from "../../runtime/certificate.ts";
import { splitCertificates } from "../../runtime/pem.ts";
import type { CertificateIdentity } from "../carrier.ts";
import { TransportError } from "../transport-error.ts";

/** A PEM text, or the file that holds it. */
export type PemSource = { readonly pem: string } | { readonly file: string };

/** With what this node proves itself, and what it trusts. */
export interface CredentialOptions {
  /** The leaf, SAN URI `spiffe://CLUSTER/ns/NAMESPACE/node/NODEID`. */
  readonly certificate: PemSource;
  /** The leaf's private key, PEM. */
  readonly privateKey: PemSource;
  /** Authorities that peers are checked against, one or more; not read with `noCa`. */
  readonly authorities: readonly PemSource[];
  /**
   * Development: no authority is asked. The session is still encrypted and names are still
   * compared, but nothing proves them. @default false
   */
  readonly noCa?: boolean;
}

/** Credentials that have been read and found to fit together. */
export interface Credentials {
  readonly identity: CertificateIdentity;
  readonly noCa: boolean;
  /** Wall clock, ms since 1970, at which the leaf ends. */
  readonly notAfterMs: number;
  /** Key, leaf, authorities and TLS 1.3, for both sides of a handshake. */
  readonly secureContext: Readonly<
    Pick<SecureContextOptions, "ca" | "cert" | "key" | "minVersion" | "ciphers">
  >;
}

/** The suites of TLS 1.3, AES-128 first: 5 % less CPU time at 4 KiB messages than AES-256 first. */
const ciphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/**
 * Reads credentials and checks that key and leaf fit, that the leaf names a node, and that there is
 * an authority.
 * @throws {TransportError} `BAD_CREDENTIALS` naming the part.
 */
export async function readCredentials(options: CredentialOptions): Promise<Credentials> {
  const noCa = options.noCa === true;
  const cert = await readPem(options.certificate, "certificate");
  const key = await readPem(options.privateKey, "private key");
  const texts = noCa
    ? []
    : await Promise.all(options.authorities.map((source) => readPem(source, "authority")));
  const authorities = texts.flatMap(splitCertificates);
  if (!noCa && authorities.length === 0) {
    throw new TransportError("BAD_CREDENTIALS", "no authority: its PEM holds no certificate");
  }
  const leaf = parseLeaf(cert);
  const name = nameInSubjectAltName(leaf.subjectAltName ?? "");
  if (name === undefined) {
    throw new TransportError(
      "BAD_CREDENTIALS",
      "the certificate's SAN has not exactly one spiffe://CLUSTER/ns/NAMESPACE/node/NODEID",
    );
  }
  const secureContext = {
    cert,
    key,
    ...(noCa ? {} : { ca: authorities }),
    minVersion: "TLSv1.3",
    ciphers,
  } as const;
  try {
    createSecureContext(secureContext);
  } catch (cause) {
    throw new TransportError(
      "BAD_CREDENTIALS",
      `certificate, key and authorities cannot be used together: ${sentence(cause)}`,
      { cause },
    );
  }
  return {
    identity: { ...name, fingerprint: plainFingerprint(leaf.fingerprint256) },
    noCa,
    notAfterMs: leaf.validToDate.getTime(),
    secureContext,
  };
}

/**
 * Credentials for development: a leaf made here that nothing vouches for.
 * @param nowMs wall clock, ms since 1970; the leaf is good for 30 days from then.
 * @throws {RuntimeError} `CERTIFICATE_NAME_INVALID`. Cost: loads the issuing library.
 */
export async function selfSignedCredentials(
  name: CertificateName,
  nowMs: number,
): Promise<CredentialOptions> {
  const leaf = await selfSigned({ name, nowMs, validForMs: 30 * 24 * 3_600_000 });
  return {
    certificate: { pem: leaf.certificatePem },
    privateKey: { pem: leaf.privateKeyPem },
    authorities: [],
    noCa: true,
  };
}

/** @returns `AB:CD…` as lower-case hex without colons. */
export function plainFingerprint(fingerprint256: string): string {
  return fingerprint256.replaceAll(":", "").toLowerCase();
}

function parseLeaf(cert: string): X509Certificate {
  try {
    return new X509Certificate(cert);
  } catch (cause) {
    throw new TransportError("BAD_CREDENTIALS", `the certificate is no PEM: ${sentence(cause)}`, {
      cause,
    });
  }
}

async function readPem(source: PemSource, what: string): Promise<string> {
  if ("pem" in source) return source.pem;
  try {
    return await readFile(source.file, "utf8");
  } catch (cause) {
    throw new TransportError("BAD_CREDENTIALS", `${what}: ${sentence(cause)}`, { cause });
  }
}

function sentence(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
