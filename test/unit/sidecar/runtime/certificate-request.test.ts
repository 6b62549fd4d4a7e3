import "reflect-metadata";
import { createPrivateKey, createPublicKey, webcrypto } from "node:crypto";
import { cryptoProvider, Pkcs10CertificateRequest } from "@peculiar/x509";
import { describe, expect, it } from "vitest";
import { createCertificateRequest } from "../../../../sidecar/runtime/certificate-request.ts";

cryptoProvider.set(webcrypto);

describe("a certificate request", () => {
  it("is one that another implementation reads, over the key that it came with", async () => {
    const { requestDer, privateKeyPem } = await createCertificateRequest();
    const read = new Pkcs10CertificateRequest(requestDer);
    expect(read.subject).toBe("");
    expect(read.attributes).toEqual([]);
    const publicKey = createPublicKey(createPrivateKey(privateKeyPem));
    const spki = publicKey.export({ type: "spki", format: "der" });
    expect(Buffer.from(read.publicKey.rawData)).toEqual(spki);
  });

  it("proves possession of the key: its signature verifies, a changed one does not", async () => {
    const { requestDer } = await createCertificateRequest();
    await expect(new Pkcs10CertificateRequest(requestDer).verify()).resolves.toBe(true);
    const changed = Uint8Array.from(requestDer);
    changed[40] = (changed[40] ?? 0) ^ 1;
    const forged = async () => new Pkcs10CertificateRequest(changed).verify();
    await expect(forged().catch(() => false)).resolves.toBe(false);
  });

  it("has a new key each time", async () => {
    const [one, other] = [await createCertificateRequest(), await createCertificateRequest()];
    expect(one.privateKeyPem).not.toBe(other.privateKeyPem);
  });
});
