/**
 * A key pair made here and the request for a certificate over it (PKCS #10, RFC 2986): the request
 * goes out, the key never does. P-256 with SHA-256. The subject is empty: who the holder is, the
 * issuer says.
 *
 * Written by hand: a request is 40 lines of DER, and `@peculiar/x509` costs 24 MB of memory, which
 * each sidecar of a cluster would pay for one request in eight hours.
 */
import { createSign, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";

/** A new key, and the request that proves its possession. */
export interface CertificateRequest {
  /** DER of the CertificationRequest. */
  readonly requestDer: Uint8Array;
  /** PKCS #8, PEM. Written to disk only with mode 0600, never logged or sent. */
  readonly privateKeyPem: string;
}

const tag = { integer: 0x02, bitString: 0x03, sequence: 0x30, attributes: 0xa0 } as const;

/** OBJECT IDENTIFIER 1.2.840.10045.4.3.2, ecdsa-with-SHA256 (RFC 5758 §3.2), encoded. */
const ecdsaWithSha256 = Buffer.from("06082a8648ce3d040302", "hex");

/** Makes a key pair and asks for a certificate over it. Cost: under 1 ms. */
export async function createCertificateRequest(): Promise<CertificateRequest> {
  const keys = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
  return {
    requestDer: certificationRequest(keys.publicKey, keys.privateKey),
    privateKeyPem: keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function certificationRequest(publicKey: KeyObject, privateKey: KeyObject): Uint8Array {
  const version = der(tag.integer, Buffer.from([0]));
  const subject = der(tag.sequence);
  const subjectKey = publicKey.export({ type: "spki", format: "der" });
  const info = der(tag.sequence, version, subject, subjectKey, der(tag.attributes));
  const signature = createSign("sha256").update(info).sign(privateKey);
  const algorithm = der(tag.sequence, ecdsaWithSha256);
  const unusedBits = Buffer.from([0]);
  return der(tag.sequence, info, algorithm, der(tag.bitString, unusedBits, signature));
}

/** One DER element of at most 255 bytes; a whole request over P-256 has 190. */
function der(type: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const header = length < 128 ? [type, length] : [type, 0x81, length];
  return Buffer.concat([Buffer.from(header), content]);
}
