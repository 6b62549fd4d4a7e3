/**
 * Issues the certificates that peers prove themselves with: a private authority, leaves under it,
 * and self-signed leaves for `noCa`.
 */
import { type webcrypto, X509Certificate } from "node:crypto";
import { type CertificateName, certificateUri, nameInSubjectAltName } from "./certificate-name.ts";
import { RuntimeError } from "./runtime-error.ts";
import {
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

export type { IssuedCertificate, Validity };

/** What a new authority is. */
export interface AuthorityRequest extends Validity {
  /** Cluster that it speaks for; becomes its common name. */
  readonly clusterId: string;
}

/** What a leaf says. */
export interface LeafRequest extends Validity {
  readonly name: CertificateName;
  /** What the node may be besides a peer, `[a-z][-a-z]{0,31}` each, at most 16. Default none. */
  readonly roles?: readonly string[];
}

/** What stands in a leaf. */
export interface LeafContent {
  readonly name: CertificateName;
  readonly roles: readonly string[];
  /** Wall clock, ms since 1970. */
  readonly notAfterMs: number;
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
}

/**
 * The extension that holds a leaf's roles: a UTF8String, space-separated. An OID under 2.25 needs
 * no registration (ITU-T X.667); the number is "SPIL" in ASCII, since the library encodes no arc
 * above 32 bits.
 */
export const rolesExtensionOid = "2.25.1397770572";

const maxRoles = 16;
const rolePattern = /^[a-z][-a-z]{0,31}$/;
const clusterPattern = /^[-a-z0-9.]{1,63}$/;

/**
 * Makes the private authority of a cluster. It may sign leaves only (path length 0).
 * @throws {RuntimeError} `CERTIFICATE_NAME_INVALID`, `CERTIFICATE_VALIDITY_INVALID`.
 */
export async function createAuthority(request: AuthorityRequest): Promise<IssuedCertificate> {
  if (!clusterPattern.test(request.clusterId)) {
    throw new RuntimeError(
      "CERTIFICATE_NAME_INVALID",
      `clusterId ${JSON.stringify(request.clusterId)} is not [-a-z0-9.]{1,63}`,
    );
  }
  const dates = validityDates(request);
  const library = await loadX509();
  const keys = await generateKeys();
  const certificate = await library.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${request.clusterId} spillway authority`,
    ...dates,
    signingAlgorithm: keyAlgorithm,
    keys,
    extensions: [
      new library.BasicConstraintsExtension(true, 0, true),
      new library.KeyUsagesExtension(
        library.KeyUsageFlags.keyCertSign | library.KeyUsageFlags.cRLSign,
        true,
      ),
      await library.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return issued(certificate.toString("pem"), keys.privateKey);
}

/**
 * Issues a leaf under an authority.
 * @param authority as `createAuthority` made it.
 * @throws {RuntimeError} any of its codes. Cost: 7–10 ms.
 */
export async function issueLeaf(
  authority: IssuedCertificate,
  request: LeafRequest,
): Promise<IssuedCertificate> {
  const dates = validityDates(request);
  const library = await loadX509();
  const keys = await generateKeys();
  const extensions = await leafExtensions(library, request, keys.publicKey);
  const { issuer, keyIdentifier, signingKey } = await readAuthority(library, authority);
  const certificate = await library.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${request.name.nodeId}`,
    issuer,
    ...dates,
    signingAlgorithm: keyAlgorithm,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [...extensions, keyIdentifier],
  });
  return issued(certificate.toString("pem"), keys.privateKey);
}

/**
 * Makes a leaf that proves nothing but carries a name: for `noCa`, in development.
 * @throws {RuntimeError} any of its codes.
 */
export async function selfSigned(request: LeafRequest): Promise<IssuedCertificate> {
  const dates = validityDates(request);
  const library = await loadX509();
  const keys = await generateKeys();
  const certificate = await library.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${request.name.nodeId}`,
    ...dates,
    signingAlgorithm: keyAlgorithm,
    keys,
    extensions: await leafExtensions(library, request, keys.publicKey),
  });
  return issued(certificate.toString("pem"), keys.privateKey);
}

/**
 * Reads what a leaf says; trusts nothing about who signed it.
 * @param certificatePem PEM of one certificate.
 * @throws {RuntimeError} `CERTIFICATE_MALFORMED` when it is no leaf of ours.
 */
export async function readLeaf(certificatePem: string): Promise<LeafContent> {
  const library = await loadX509();
  try {
    const parsed = new X509Certificate(certificatePem);
    const name = nameInSubjectAltName(parsed.subjectAltName ?? "");
    if (name === undefined) throw new Error("its SAN has not exactly one spiffe:// node name");
    const extension = new library.X509Certificate(certificatePem).getExtension(rolesExtensionOid);
    const text = extension === null ? "" : decodeUtf8String(new Uint8Array(extension.value));
    return {
      name,
      roles: text === "" ? [] : text.split(" "),
      notAfterMs: parsed.validToDate.getTime(),
      fingerprint: parsed.fingerprint256.replaceAll(":", "").toLowerCase(),
    };
  } catch (cause) {
    throw new RuntimeError(
      "CERTIFICATE_MALFORMED",
      `not a certificate of a node: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/**
 * What a leaf of a node carries.
 * @throws {RuntimeError} `CERTIFICATE_NAME_INVALID`, `CERTIFICATE_ROLE_INVALID`.
 */
export async function leafExtensions(
  library: X509,
  request: LeafRequest,
  publicKey: webcrypto.CryptoKey,
) {
  const uri = certificateUri(request.name);
  if (uri === undefined) {
    throw new RuntimeError(
      "CERTIFICATE_NAME_INVALID",
      `name ${JSON.stringify(request.name)}: cluster [-a-z0-9.], namespace [-a-z0-9], ` +
        "node [-A-Za-z0-9.], 1 to 63 characters each",
    );
  }
  const usage = library.ExtendedKeyUsage;
  const extensions = [
    new library.BasicConstraintsExtension(false, undefined, true),
    new library.KeyUsagesExtension(library.KeyUsageFlags.digitalSignature, true),
    new library.ExtendedKeyUsageExtension([usage.serverAuth, usage.clientAuth]),
    new library.SubjectAlternativeNameExtension([{ type: "url", value: uri }]),
    await library.SubjectKeyIdentifierExtension.create(publicKey),
  ];
  const roles = request.roles ?? [];
  if (roles.length === 0) return extensions;
  const odd = roles.find((role) => !rolePattern.test(role));
  if (odd !== undefined || roles.length > maxRoles) {
    throw new RuntimeError(
      "CERTIFICATE_ROLE_INVALID",
      `roles: at most ${maxRoles.toString()}, each [a-z][-a-z]{0,31}; ` +
        (odd === undefined ? `got ${roles.length.toString()}` : `got ${JSON.stringify(odd)}`),
    );
  }
  const value = encodeUtf8String(roles.join(" "));
  return [...extensions, new library.Extension(rolesExtensionOid, false, value)];
}

/** DER of a UTF8String up to 16 roles × 33 bytes: the long form has two length bytes at most. */
function encodeUtf8String(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const length =
    bytes.length < 128 ? [bytes.length] : [0x82, bytes.length >> 8, bytes.length & 0xff];
  return Buffer.concat([Buffer.from([0x0c, ...length]), bytes]);
}

function decodeUtf8String(der: Uint8Array): string {
  const [tag, first = 0, high = 0, low = 0] = der;
  const long = first === 0x82;
  const start = long ? 4 : 2;
  const length = long ? high * 256 + low : first;
  if (tag !== 0x0c || (first >= 128 && !long) || start + length !== der.length) {
    throw new Error("its roles are no UTF8String");
  }
  return Buffer.from(der.subarray(start)).toString("utf8");
}
