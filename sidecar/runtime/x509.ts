/**
 * What issuing certificates shares: the library, keys, serial numbers, dates. P-256 throughout.
 *
 * Node can check certificates but not make them, so `@peculiar/x509` does, on WebCrypto. It is
 * loaded at the first call: a sidecar whose certificates come from elsewhere never pays for it.
 */
import { randomBytes, webcrypto } from "node:crypto";
import type * as X509Library from "@peculiar/x509";
import { RuntimeError } from "./runtime-error.ts";

/** A certificate and its private key, both PEM with a final newline. */
export interface IssuedCertificate {
  readonly certificatePem: string;
  /** PKCS #8. Written to disk only with mode 0600, never logged. */
  readonly privateKeyPem: string;
}

/** From when and how long a certificate is good. */
export interface Validity {
  /**
   * Wall clock, ms since 1970. The certificate begins 5 minutes earlier, for clocks that differ.
   */
  readonly nowMs: number;
  /** 1 minute to 10 years. */
  readonly validForMs: number;
}

const minuteMs = 60_000;
const tenYearsMs = 3_653 * 24 * 60 * minuteMs;
const clockToleranceMs = 5 * minuteMs;

/** P-256 keys, ECDSA with SHA-256. */
export const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** The library, loaded. */
export type X509 = typeof X509Library;
let x509: Promise<X509> | undefined;

/** Loads the library once; `reflect-metadata` must come first. */
export async function loadX509(): Promise<X509> {
  x509 ??= import("reflect-metadata")
    .then(() => import("@peculiar/x509"))
    .then((library) => {
      library.cryptoProvider.set(webcrypto);
      return library;
    });
  return x509;
}

/**
 * Reads an authority for signing.
 * @throws {RuntimeError} `CERTIFICATE_MALFORMED`.
 */
export async function readAuthority(library: X509, authority: IssuedCertificate) {
  try {
    const parsed = new library.X509Certificate(authority.certificatePem);
    const [der] = library.PemConverter.decode(authority.privateKeyPem);
    if (der === undefined) throw new Error("the private key is no PEM");
    const signingKey = await webcrypto.subtle.importKey("pkcs8", der, keyAlgorithm, false, [
      "sign",
    ]);
    const keyIdentifier = await library.AuthorityKeyIdentifierExtension.create(parsed.publicKey);
    return { issuer: parsed.subject, keyIdentifier, signingKey };
  } catch (cause) {
    throw new RuntimeError(
      "CERTIFICATE_MALFORMED",
      `not an authority: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/**
 * First and last moment of a certificate.
 * @throws {RuntimeError} `CERTIFICATE_VALIDITY_INVALID`.
 */
export function validityDates(validity: Validity): { notBefore: Date; notAfter: Date } {
  const { nowMs, validForMs } = validity;
  if (!(validForMs >= minuteMs && validForMs <= tenYearsMs)) {
    throw new RuntimeError(
      "CERTIFICATE_VALIDITY_INVALID",
      `validForMs ${validForMs.toString()} is outside ${minuteMs.toString()} … ` +
        tenYearsMs.toString(),
    );
  }
  return { notBefore: new Date(nowMs - clockToleranceMs), notAfter: new Date(nowMs + validForMs) };
}

/** A fresh key pair, exportable. */
export async function generateKeys() {
  return webcrypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
}

/** 16 random bytes with the top bit clear: positive, never two alike (RFC 5280 §4.1.2.2). */
export function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

/** PEM of a certificate and its key. */
export async function issued(
  certificatePem: string,
  privateKey: webcrypto.CryptoKey,
): Promise<IssuedCertificate> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", privateKey));
  const body = (der.toString("base64").match(/.{1,64}/g) ?? []).join("\n");
  return {
    certificatePem: endedPem(certificatePem),
    privateKeyPem: `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
  };
}

/** The library leaves the last newline out; two PEMs joined without one lose the second. */
export function endedPem(pem: string): string {
  return `${pem.trimEnd()}\n`;
}
