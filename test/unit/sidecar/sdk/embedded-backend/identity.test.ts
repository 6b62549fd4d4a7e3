import { beforeAll, describe, expect, test } from "vitest";
import { identityOf } from "../../../../../sidecar/sdk/embedded-backend/identity.ts";
import {
  createTestCluster,
  selfSignedLeaf,
  type TestCluster,
} from "../../../../support/certificates.ts";

const randomId = () => "00112233445566ff";
let cluster: TestCluster;
let certificate: string;
let privateKey: string;
let ca: string;

beforeAll(async () => {
  cluster = await createTestCluster("prod");
  const leaf = await cluster.leaf("node-7", { namespace: "shop" });
  certificate = leaf.certificatePem;
  privateKey = leaf.privateKeyPem;
  ca = cluster.authority.certificatePem;
});

describe("identityOf", () => {
  test("takes the name from the certificate", () => {
    const { name } = identityOf({ certificate, privateKey, ca }, randomId);
    expect(name).toEqual({ clusterId: "prod", namespace: "shop", nodeId: "node-7" });
  });

  test("takes the authority from the certificate's chain when none is given", () => {
    const chained = `${certificate.trim()}\n${ca.trim()}\n`;
    const { authority } = identityOf({ certificate: chained, privateKey }, randomId);
    expect(authority?.trim()).toBe(ca.trim());
  });

  test("gives nodes of one authority one announcement key, and others another", async () => {
    const leaf = await cluster.leaf("node-8");
    const key = (pem: string, authority: string) =>
      identityOf({ certificate: pem, privateKey, ca: authority }, randomId).clusterKey;
    expect(key(leaf.certificatePem, ca)).toEqual(key(certificate, ca));
    const other = await createTestCluster("prod");
    expect(key(certificate, other.authority.certificatePem)).not.toEqual(key(certificate, ca));
  });

  test("takes a cluster key of 32 bytes", () => {
    const clusterKey = Buffer.alloc(32, 7).toString("base64");
    const identity = identityOf({ certificate, privateKey, ca, clusterKey }, randomId);
    expect(identity.clusterKey).toEqual(Buffer.alloc(32, 7));
  });

  test("is a random node of cluster development without credentials", () => {
    const identity = identityOf(undefined, randomId);
    const name = { clusterId: "development", namespace: "default", nodeId: "sdk-00112233445566ff" };
    expect(identity).toEqual({ name });
  });

  test("refuses a certificate without an authority", () => {
    expect(() => identityOf({ certificate, privateKey }, randomId)).toThrow(/pass ca/);
  });

  test("refuses a certificate that names no node", async () => {
    const odd = await selfSignedLeaf("x");
    const nameless = ca;
    expect(() =>
      identityOf({ certificate: nameless, privateKey, ca: odd.certificatePem }, randomId),
    ).toThrow(/names no node/);
  });

  test("refuses a clusterId that is not the certificate's", () => {
    const clusterId = "stage";
    expect(() => identityOf({ certificate, privateKey, ca, clusterId }, randomId)).toThrow(
      /"stage" is not the certificate's "prod"/,
    );
  });

  test("refuses a cluster key of another length", () => {
    const clusterKey = Buffer.alloc(16).toString("base64");
    expect(() => identityOf({ certificate, privateKey, ca, clusterKey }, randomId)).toThrow(
      /16 bytes/,
    );
  });
});
