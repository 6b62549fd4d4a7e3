import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { IssuedCertificate } from "../../../../../sidecar/runtime/certificate.ts";
import {
  type CredentialOptions,
  readCredentials,
  selfSignedCredentials,
} from "../../../../../sidecar/transport/webtransport/credentials.ts";
import { createTestCluster, type TestCluster } from "../../../../support/certificates.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

let cluster: TestCluster;
let leaf: IssuedCertificate;
let right: CredentialOptions;

beforeAll(async () => {
  cluster = await createTestCluster();
  leaf = await cluster.leaf("a");
  right = {
    certificate: { pem: leaf.certificatePem },
    privateKey: { pem: leaf.privateKeyPem },
    authorities: [{ pem: cluster.authority.certificatePem }],
  };
});

describe("readCredentials", () => {
  it("knows whose leaf it is", async () => {
    const { identity, notAfterMs, noCa } = await readCredentials(right);
    expect(identity).toMatchObject({ clusterId: "test", namespace: "test", nodeId: "a" });
    expect(identity.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(notAfterMs).toBeGreaterThan(Date.now());
    expect(noCa).toBe(false);
  });

  it("reads files", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "key.pem");
    await writeFile(file, leaf.privateKeyPem);
    await expect(readCredentials({ ...right, privateKey: { file } })).resolves.toBeDefined();
  });

  it("keeps both authorities of a text that joins two, with or without a newline", async () => {
    const other = await createTestCluster("other");
    const [one, two] = [cluster.authority.certificatePem, other.authority.certificatePem];
    for (const pem of [one + two, one.trimEnd() + two]) {
      const { secureContext } = await readCredentials({ ...right, authorities: [{ pem }] });
      expect(secureContext.ca).toEqual([one, two]);
    }
  });

  it("offers TLS 1.3 only", async () => {
    const { secureContext } = await readCredentials(right);
    expect(secureContext.minVersion).toBe("TLSv1.3");
  });

  it.each<[string, () => Promise<Partial<CredentialOptions>>, RegExp]>([
    ["a missing file", async () => ({ certificate: { file: "/no/such" } }), /certificate: ENOENT/],
    ["no PEM", async () => ({ certificate: { pem: "x" } }), /no PEM/],
    ["no authority", async () => ({ authorities: [{ pem: "x" }] }), /no authority/],
    [
      "another leaf's key",
      async () => ({ privateKey: { pem: (await cluster.leaf("b")).privateKeyPem } }),
      /cannot be used together/,
    ],
    [
      "a leaf that names no node",
      async () => ({ certificate: { pem: cluster.authority.certificatePem } }),
      /spiffe:/,
    ],
  ])("refuses %s", async (_case, over, message) => {
    await expect(readCredentials({ ...right, ...(await over()) })).rejects.toMatchObject({
      code: "BAD_CREDENTIALS",
      message: expect.stringMatching(message) as string,
    });
  });
});

describe("selfSignedCredentials", () => {
  it("names the node and asks no authority", async () => {
    const name = { clusterId: "c", namespace: "n", nodeId: "x" };
    const credentials = await readCredentials(await selfSignedCredentials(name, Date.now()));
    expect(credentials.identity).toMatchObject(name);
    expect(credentials.noCa).toBe(true);
    expect(credentials.secureContext.ca).toBeUndefined();
  });
});
