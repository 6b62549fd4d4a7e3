import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { RotationPolicy } from "../../../../operator/control/authority-state.ts";
import { Authority, controlServerName } from "../../../../operator/control/authority.ts";
import { createCertificateRequest } from "../../../../sidecar/runtime/certificate-request.ts";
import { readLeaf } from "../../../../sidecar/runtime/certificate.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { MemorySecret } from "../../../support/control-rig.ts";

const hourMs = 3_600_000;
const policy: RotationPolicy = {
  authorityLifeMs: 1_000 * hourMs,
  rotateAfterMs: 500 * hourMs,
  overlapMs: 20 * hourMs,
  trustPreviousMs: 25 * hourMs,
};
const subject = { namespace: "shop", podUid: "7d0c", roles: ["relay"] };

function rig() {
  const clock = new FakeClock(Date.UTC(2026, 10, 21));
  const secrets = new MemorySecret();
  const open = () =>
    Authority.open(
      { secrets, wallClock: { nowEpochMs: () => clock.nowMs() } },
      { clusterId: "c1", rotation: policy },
    );
  return { clock, secrets, open };
}

async function leafOf(authority: Authority) {
  const { requestDer, privateKeyPem } = await createCertificateRequest();
  return { ...(await authority.issue(subject, requestDer)), privateKeyPem };
}

/** Whether some certificate of the bundle signed the leaf. */
function isTrusted(leafPem: string, bundlePem: string): boolean {
  const leaf = new X509Certificate(leafPem);
  const pems = bundlePem.split(/(?<=-----END CERTIFICATE-----\n)/);
  return pems.some((pem) => leaf.verify(new X509Certificate(pem).publicKey));
}

describe("opening", () => {
  test("makes an authority once; every replica reads the same", async () => {
    const { open } = rig();
    const [first, second] = [await open(), await open()];
    expect(second.bundlePem).toBe(first.bundlePem);
    expect(second.trustOf("shop")).toEqual(first.trustOf("shop"));
  });

  test("two that begin at once agree: the one that writes second reads the first one's", async () => {
    const { open, secrets } = rig();
    let other: Authority | undefined;
    secrets.beforeWrite = async () => {
      secrets.beforeWrite = async () => {};
      other = await open();
    };
    const mine = await open();
    expect(mine.bundlePem).toBe(other?.bundlePem);
  });

  test("gives up when others write again and again", async () => {
    const { open, secrets } = rig();
    secrets.write = async () => undefined;
    await expect(open()).rejects.toMatchObject({ code: "AUTHORITY_CONFLICT" });
  });

  test("refuses a Secret that it can't read, rather than make another authority", async () => {
    const { open, secrets } = rig();
    secrets.stored = { data: { "current.crt": "x" }, version: "1" };
    await expect(open()).rejects.toMatchObject({ code: "AUTHORITY_MALFORMED" });
    expect(secrets.stored.version).toBe("1");
  });
});

describe("issuing", () => {
  test("a leaf names cluster, namespace and pod, carries the roles, lives 24 h, renews at 8 h", async () => {
    const { open, clock } = rig();
    const authority = await open();
    const leaf = await leafOf(authority);
    expect(await readLeaf(leaf.certificatePem)).toMatchObject({
      name: { clusterId: "c1", namespace: "shop", nodeId: "7d0c" },
      roles: ["relay"],
      notAfterMs: clock.nowMs() + 24 * hourMs,
    });
    expect(leaf).toMatchObject({ validForMs: 24 * hourMs, renewAfterMs: 8 * hourMs });
    const certificate = new X509Certificate(leaf.certificatePem);
    expect(certificate.checkPrivateKey(createPrivateKey(leaf.privateKeyPem))).toBe(true);
    expect(isTrusted(leaf.certificatePem, authority.bundlePem)).toBe(true);
  });

  test("no leaf outlives its authority", async () => {
    const { open, clock } = rig();
    const authority = await open();
    clock.advance(990 * hourMs);
    expect(await leafOf(authority)).toMatchObject({ validForMs: 10 * hourMs });
  });

  test("a listener's certificate is known by its name and is no node's", async () => {
    const { open } = rig();
    const server = await (await open()).issueServer(["spillway-operator.spillway.svc"]);
    const certificate = new X509Certificate(server.certificatePem);
    expect(certificate.checkHost(controlServerName)).toBe(controlServerName);
    expect(certificate.checkHost("spillway-operator.spillway.svc")).toBeDefined();
    await expect(readLeaf(server.certificatePem)).rejects.toThrow(/SAN/);
  });

  test("a namespace's announcement key is its own, 32 bytes, and stays", async () => {
    const { open } = rig();
    const authority = await open();
    const [shop, bank] = ["shop", "bank"].map((it) => authority.trustOf(it).announcementKey);
    expect(shop).toHaveLength(32);
    expect(shop).not.toEqual(bank);
    await authority.rotate();
    expect((await open()).trustOf("shop").announcementKey).toEqual(shop);
  });
});

describe("a rotation", () => {
  test("at every step each living leaf is trusted by each bundle that is still in use", async () => {
    const { open, clock } = rig();
    const authority = await open();
    const steps: string[] = [];
    const leaves: { pem: string; endsAtMs: number }[] = [];
    const bundles: { pem: string; untilMs: number }[] = [];
    clock.advance(480 * hourMs);
    for (let hour = 480; hour < 600; hour += 4) {
      const { step } = await authority.tend();
      if (step !== "none") steps.push(`${hour.toString()}: ${step}`);
      const { certificatePem, validForMs } = await leafOf(authority);
      leaves.push({ pem: certificatePem, endsAtMs: clock.nowMs() + validForMs });
      // A sidecar may be out of touch for 16 h and use the bundle that it has.
      bundles.push({ pem: authority.bundlePem, untilMs: clock.nowMs() + 16 * hourMs });
      const living = leaves.filter((it) => it.endsAtMs > clock.nowMs());
      const used = new Set(bundles.filter((it) => it.untilMs > clock.nowMs()).map((it) => it.pem));
      for (const bundle of used) {
        for (const { pem } of living) expect(isTrusted(pem, bundle)).toBe(true);
      }
      clock.advance(4 * hourMs);
    }
    expect(steps).toEqual(["500: prepare", "520: promote", "548: drop"]);
  });

  test("begun by hand takes the same steps; a second one waits", async () => {
    const { open, clock } = rig();
    const authority = await open();
    const signer = authority.signerPem;
    expect((await authority.rotate()).step).toBe("prepare");
    expect((await authority.rotate()).step).toBe("none");
    expect(authority.signerPem).toBe(signer);
    clock.advance(20 * hourMs);
    expect((await authority.tend()).step).toBe("promote");
    expect(authority.signerPem).not.toBe(signer);
    expect(authority.bundlePem).toContain(signer);
  });

  test("the leader's step reaches a replica that reads again", async () => {
    const { open } = rig();
    const [leader, replica] = [await open(), await open()];
    await leader.rotate();
    expect(replica.bundlePem).not.toBe(leader.bundlePem);
    await replica.reload();
    expect(replica.bundlePem).toBe(leader.bundlePem);
  });

  test("a step that another operator took first is not taken twice", async () => {
    const { open } = rig();
    const [former, leader] = [await open(), await open()];
    await leader.rotate();
    expect((await former.rotate()).step).toBe("none");
    expect(former.bundlePem).toBe(leader.bundlePem);
  });

  test("a deleted Secret changes nothing for those who run", async () => {
    const { open, secrets } = rig();
    const authority = await open();
    const before = authority.bundlePem;
    secrets.stored = undefined;
    await authority.reload();
    expect(authority.bundlePem).toBe(before);
  });
});
