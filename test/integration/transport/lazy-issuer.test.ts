import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { createTestCluster } from "../../support/certificates.ts";

const script = fileURLToPath(new URL("./probes/without-x509.ts", import.meta.url));

it("a node whose certificates exist never loads the library that issues them", async () => {
  const cluster = await createTestCluster();
  const leaf = await cluster.leaf("a");
  const credentials = JSON.stringify({
    certificate: { pem: leaf.certificatePem },
    privateKey: { pem: leaf.privateKeyPem },
    authorities: [{ pem: cluster.authority.certificatePem }],
  });
  const { stdout } = await promisify(execFile)(process.execPath, [script, credentials]);
  expect(stdout).toBe("alive\n");
});
