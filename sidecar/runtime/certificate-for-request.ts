/**
 * Issues certificates over keys that the issuer never sees, and those of servers that are no peers.
 */
import { createPublicKey, webcrypto } from "node:crypto";
import { leafExtensions, type LeafRequest } from "./certificate.ts";
import { RuntimeError } from "./runtime-error.ts";
import {
  endedPem,
  generateKeys,
  issued,
  type IssuedCertificate,
  keyAlgorithm,
  loadX509,
  readAuthority,
  serialNumber,
  type Validity,
  validityDates,
  type X509,
} from "./x509.ts";

/** Longest request that is looked at; one over P-256 has 190 bytes. */
export const maxCertificateRequestBytes = 4_096;

/**
 * Issues the leaf of a node over the key of its request. Name and roles are the issuer's word:
 * subject and attributes of the request are not read.
 * @param authority as `createAuthority` made it.
 * @param requestDer a CertificationRequest (PKCS #10, RFC 2986) over P-256, from anybody.
 * @returns PEM of the leaf, with a final newline.
 * @throws {RuntimeError} `CERTIFICATE_REQUEST_INVALID` for the request; otherwise as `issueLeaf`.
 * Cost: 3–5 ms, most of it in WebCrypto's threads.
 */
export async function issueForRequest(
  authority: IssuedCertificate,
  requestDer: Uint8Array,
  leaf: LeafRequest,
): Promise<string> {
  const dates = validityDates(leaf);
  const library = await loadX509();
  const publicKey = await keyOfRequest(library, requestDer);
  const extensions = await leafExtensions(library, leaf, publicKey);
  const { issuer, keyIdentifier, signingKey } = await readAuthority(library, authority);
  const certificate = await library.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${leaf.name.nodeId}`,
    issuer,
    ...dates,
    signingAlgorithm: keyAlgorithm,
    publicKey,
    signingKey,
    extensions: [...extensions, keyIdentifier],
  });
  return endedPem(certificate.toString("pem"));
}

/** A server that sidecars dial and that is no peer of theirs. */
export interface ServerRequest extends Validity {
  /** Names that a client may check it by, one or more; the first is the common name. */
  readonly dnsNames: readonly string[];
}

/**
 * Issues the certificate of a server. It carries DNS names and no `spiffe:` name, so that no peer
 * takes it for a node's, and no node's is taken for it.
 * @throws {RuntimeError} `CERTIFICATE_NAME_INVALID` without a name; otherwise as `issueLeaf`.
 */
export async function issueServer(
  authority: IssuedCertificate,
  request: ServerRequest,
): Promise<IssuedCertificate> {
  const [first] = request.dnsNames;
  if (first === undefined) {
    throw new RuntimeError("CERTIFICATE_NAME_INVALID", "dnsNames is empty; give one or more");
  }
  const dates = validityDates(request);
  const library = await loadX509();
  const keys = await generateKeys();
  const { issuer, keyIdentifier, signingKey } = await readAuthority(library, authority);
  const certificate = await library.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${first}`,
    issuer,
    ...dates,
    signingAlgorithm: keyAlgorithm,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new library.BasicConstraintsExtension(false, undefined, true),
      new library.KeyUsagesExtension(library.KeyUsageFlags.digitalSignature, true),
      new library.ExtendedKeyUsageExtension([library.ExtendedKeyUsage.serverAuth]),
      new library.SubjectAlternativeNameExtension(
        request.dnsNames.map((value) => ({ type: "dns" as const, value })),
      ),
      await library.SubjectKeyIdentifierExtension.create(keys.publicKey),
      keyIdentifier,
    ],
  });
  return issued(certificate.toString("pem"), keys.privateKey);
}

async function keyOfRequest(library: X509, requestDer: Uint8Array): Promise<webcrypto.CryptoKey> {
  if (requestDer.length === 0 || requestDer.length > maxCertificateRequestBytes) {
    throw invalid(
      `${requestDer.length.toString()} bytes, allowed are 1 … ${maxCertificateRequestBytes.toString()}`,
    );
  }
  try {
    const request = new library.Pkcs10CertificateRequest(Uint8Array.from(requestDer));
    const spki = Buffer.from(request.publicKey.rawData);
    const { namedCurve } =
      createPublicKey({ key: spki, format: "der", type: "spki" }).asymmetricKeyDetails ?? {};
    // OpenSSL's name of P-256.
    if (namedCurve !== "prime256v1") throw new Error("its key is not on P-256");
    if (!(await request.verify())) throw new Error("its signature does not hold");
    return await webcrypto.subtle.importKey("spki", spki, keyAlgorithm, true, ["verify"]);
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function invalid(reason: string, options?: ErrorOptions): RuntimeError {
  return new RuntimeError(
    "CERTIFICATE_REQUEST_INVALID",
    `not a certificate request (PKCS #10 over P-256): ${reason}`,
    options,
  );
}
