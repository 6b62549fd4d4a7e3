import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  createAuthority,
  issueLeaf,
  readLeaf,
  selfSigned,
} from "../../../../sidecar/runtime/certificate.ts";

const nowMs = Date.UTC(2026, 10, 21);
const validity = { nowMs, validForMs: 3_600_000 };
const name = { clusterId: "c.example", namespace: "shop", nodeId: "Node-1.a" };

describe("createAuthority", () => {
  it("makes a certificate that may sign leaves and nothing else", async () => {
    const authority = await createAuthority({ clusterId: "c", ...validity });
    const certificate = new X509Certificate(authority.certificatePem);
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(authority.privateKeyPem))).toBe(true);
  });

  it("ends its PEMs with a newline, so that two of them can be joined", async () => {
    const authority = await createAuthority({ clusterId: "c", ...validity });
    expect(authority.certificatePem.endsWith("-----END CERTIFICATE-----\n")).toBe(true);
    expect(authority.privateKeyPem.endsWith("-----END PRIVATE KEY-----\n")).toBe(true);
  });

  it("refuses a cluster id outside its alphabet", async () => {
    await expect(createAuthority({ clusterId: "A b", ...validity })).rejects.toMatchObject({
      code: "CERTIFICATE_NAME_INVALID",
    });
  });
});

describe("issueLeaf", () => {
  it("names the node in a SAN URI, is signed by the authority and is no authority", async () => {
    const authority = await createAuthority({ clusterId: "c.example", ...validity });
    const leaf = await issueLeaf(authority, { name, ...validity });
    const certificate = new X509Certificate(leaf.certificatePem);
    expect(certificate.subjectAltName).toBe("URI:spiffe://c.example/ns/shop/node/Node-1.a");
    expect(certificate.verify(new X509Certificate(authority.certificatePem).publicKey)).toBe(true);
    expect(certificate.checkIssued(new X509Certificate(authority.certificatePem))).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.checkPrivateKey(createPrivateKey(leaf.privateKeyPem))).toBe(true);
  });

  it("is good from 5 minutes before now until the end of its validity", async () => {
    const authority = await createAuthority({ clusterId: "c", ...validity });
    const leaf = await issueLeaf(authority, { name, ...validity });
    const certificate = new X509Certificate(leaf.certificatePem);
    expect(certificate.validFromDate.getTime()).toBe(nowMs - 300_000);
    expect(certificate.validToDate.getTime()).toBe(nowMs + 3_600_000);
  });

  it("carries roles that readLeaf gives back", async () => {
    const authority = await createAuthority({ clusterId: "c", ...validity });
    const roles = Array.from(
      { length: 16 },
      (_, index) => `role-${"abcdefghijklmnop".charAt(index)}`,
    );
    const leaf = await issueLeaf(authority, { name, roles, ...validity });
    const content = await readLeaf(leaf.certificatePem);
    expect(content).toMatchObject({ name, roles, notAfterMs: nowMs + 3_600_000 });
    const { fingerprint256 } = new X509Certificate(leaf.certificatePem);
    expect(content.fingerprint).toBe(fingerprint256.replaceAll(":", "").toLowerCase());
  });

  it.each([
    ["a name with a slash", { name: { ...name, nodeId: "a/ns/b" } }, "CERTIFICATE_NAME_INVALID"],
    ["an empty name", { name: { ...name, namespace: "" } }, "CERTIFICATE_NAME_INVALID"],
    ["a role with a space", { name, roles: ["a b"] }, "CERTIFICATE_ROLE_INVALID"],
    ["17 roles", { name, roles: Array<string>(17).fill("a") }, "CERTIFICATE_ROLE_INVALID"],
    ["a second's validity", { name, validForMs: 1000 }, "CERTIFICATE_VALIDITY_INVALID"],
    ["a validity of NaN", { name, validForMs: Number.NaN }, "CERTIFICATE_VALIDITY_INVALID"],
  ])("refuses %s", async (_case, over, code) => {
    const authority = await createAuthority({ clusterId: "c", ...validity });
    await expect(issueLeaf(authority, { ...validity, ...over })).rejects.toMatchObject({ code });
  });

  it("refuses an authority that is none", async () => {
    const broken = { certificatePem: "no", privateKeyPem: "no" };
    await expect(issueLeaf(broken, { name, ...validity })).rejects.toMatchObject({
      code: "CERTIFICATE_MALFORMED",
    });
  });
});

describe("selfSigned and readLeaf", () => {
  it("makes a leaf with a name and nothing that vouches for it", async () => {
    const leaf = await selfSigned({ name, ...validity });
    const certificate = new X509Certificate(leaf.certificatePem);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(await readLeaf(leaf.certificatePem)).toMatchObject({ name, roles: [] });
  });

  it("refuses text that is no certificate, and an authority that names no node", async () => {
    const authority = await createAuthority({ clusterId: "c", ...validity });
    for (const text of ["", "-----BEGIN CERTIFICATE-----", authority.certificatePem]) {
      await expect(readLeaf(text)).rejects.toMatchObject({ code: "CERTIFICATE_MALFORMED" });
    }
  });
});
