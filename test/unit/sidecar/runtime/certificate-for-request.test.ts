import "reflect-metadata";
import { createPublicKey, createPrivateKey, webcrypto, X509Certificate } from "node:crypto";
import { cryptoProvider, Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { describe, expect, it } from "vitest";
import {
  issueForRequest,
  issueServer,
  maxCertificateRequestBytes,
} from "../../../../sidecar/runtime/certificate-for-request.ts";
import { createCertificateRequest } from "../../../../sidecar/runtime/certificate-request.ts";
import { createAuthority, readLeaf } from "../../../../sidecar/runtime/certificate.ts";

cryptoProvider.set(webcrypto);

const nowMs = Date.UTC(2026, 10, 21);
const validity = { nowMs, validForMs: 3_600_000 };
const name = { clusterId: "c.example", namespace: "shop", nodeId: "node-1" };
const authority = await createAuthority({ clusterId: "c.example", ...validity });

async function requestOf(algorithm: object, subject: string): Promise<Uint8Array> {
  const keys = await webcrypto.subtle.generateKey(algorithm as EcKeyGenParams, true, [
    "sign",
    "verify",
  ]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys,
    signingAlgorithm: { ...algorithm, hash: "SHA-256" },
  });
  return new Uint8Array(request.rawData);
}

type EcKeyGenParams = webcrypto.EcKeyGenParams;

describe("issueForRequest", () => {
  it("issues a leaf over the key of the request, with the issuer's name and roles", async () => {
    const { requestDer, privateKeyPem } = await createCertificateRequest();
    const pem = await issueForRequest(authority, requestDer, {
      name,
      roles: ["relay"],
      ...validity,
    });
    const certificate = new X509Certificate(pem);
    expect(certificate.checkPrivateKey(createPrivateKey(privateKeyPem))).toBe(true);
    expect(certificate.checkIssued(new X509Certificate(authority.certificatePem))).toBe(true);
    expect(await readLeaf(pem)).toMatchObject({ name, roles: ["relay"] });
    expect(pem.endsWith("-----END CERTIFICATE-----\n")).toBe(true);
  });

  it("reads no name from the request", async () => {
    const requestDer = await requestOf({ name: "ECDSA", namedCurve: "P-256" }, "CN=somebody-else");
    const pem = await issueForRequest(authority, requestDer, { name, ...validity });
    expect(new X509Certificate(pem).subject).toBe("CN=node-1");
    expect(new X509Certificate(pem).subjectAltName).toBe(
      "URI:spiffe://c.example/ns/shop/node/node-1",
    );
  });

  it.each([
    ["bytes that are none", async () => Uint8Array.from([1, 2, 3])],
    ["nothing", async () => new Uint8Array()],
    ["too many bytes", async () => new Uint8Array(maxCertificateRequestBytes + 1)],
    ["another curve", () => requestOf({ name: "ECDSA", namedCurve: "P-384" }, "CN=a")],
    [
      "a signature that does not hold",
      async () => {
        const { requestDer } = await createCertificateRequest();
        const changed = Uint8Array.from(requestDer);
        changed[40] = (changed[40] ?? 0) ^ 1;
        return changed;
      },
    ],
  ])("refuses %s", async (_, make) => {
    const issue = issueForRequest(authority, await make(), { name, ...validity });
    await expect(issue).rejects.toMatchObject({ code: "CERTIFICATE_REQUEST_INVALID" });
  });
});

describe("issueServer", () => {
  it("carries DNS names and no name of a node", async () => {
    const server = await issueServer(authority, { dnsNames: ["a.example", "b"], ...validity });
    const certificate = new X509Certificate(server.certificatePem);
    expect(certificate.subjectAltName).toBe("DNS:a.example, DNS:b");
    expect(certificate.checkHost("a.example")).toBe("a.example");
    expect(certificate.checkPrivateKey(createPrivateKey(server.privateKeyPem))).toBe(true);
    expect(createPublicKey(server.certificatePem).asymmetricKeyType).toBe("ec");
    await expect(readLeaf(server.certificatePem)).rejects.toMatchObject({
      code: "CERTIFICATE_MALFORMED",
    });
  });

  it("refuses to be nameless", async () => {
    await expect(issueServer(authority, { dnsNames: [], ...validity })).rejects.toMatchObject({
      code: "CERTIFICATE_NAME_INVALID",
    });
  });
});
