import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { hashOf } from "../../../../operator/cluster/canonical-hash.ts";
import { checkText } from "../../../../operator/cluster/check-line.ts";
import {
  checkDefinition,
  checkInjection,
  checkLeader,
  checkTrust,
  checkVersion,
  checkWords,
} from "../../../../operator/cluster/checks.ts";
import type { InstalledDefinition, Pod } from "../../../../operator/cluster/resources.ts";
import { customResourceDefinition } from "../../../../operator/schema/index.ts";
import { createAuthority } from "../../../../sidecar/runtime/certificate.ts";

const nowEpochMs = Date.UTC(2026, 10, 21);

describe("the API server", () => {
  test.each([
    ["v1.36.1", "ok", "v1.36.1 at https://api"],
    ["v1.31.4-gke.1", "ok", "v1.31.4-gke.1 at https://api; injection by webhook"],
    [
      "v1.28.9",
      "bad",
      "v1.28.9; 1.29 or later is needed for native sidecars. Upgrade the cluster.",
    ],
  ])("%s is %s", (gitVersion, verdict, text) => {
    expect(checkVersion({ gitVersion }, "https://api")).toMatchObject({ verdict, text });
  });

  test("something else that answers is bad", () => {
    expect(checkVersion("hello", "https://api").verdict).toBe("bad");
  });
});

describe("a definition", () => {
  const expected = customResourceDefinition("Demand");
  const [version] = expected.spec.versions;
  const conditions = [{ type: "Established", status: "True" }];
  const metadata = { name: "demands.spillway.dev" };
  const installed = (over: object = {}, status: object = { conditions }): InstalledDefinition =>
    ({
      metadata,
      spec: { versions: [{ name: "v1alpha1", served: true, schema: version?.schema, ...over }] },
      status,
    }) as InstalledDefinition;

  test("is ok with the same schema in another order of fields", () => {
    const openAPIV3Schema = Object.fromEntries(
      Object.entries(version?.schema.openAPIV3Schema ?? {}).toReversed(),
    );
    expect(checkDefinition("Demand", installed({ schema: { openAPIV3Schema } }))).toEqual({
      verdict: "ok",
      subject: "demands.spillway.dev",
      text: `schema ${hashOf(openAPIV3Schema)}`,
    });
  });

  test.each([
    ["that is not there", undefined, /^is not installed\. Install it: kubectl apply/],
    ["that is not established", installed({}, {}), /^is not established; kubectl describe crd/],
    ["of another version", installed({ name: "v1" }), /^does not serve v1alpha1\. Update: kubectl/],
    [
      "with another schema",
      installed({ schema: { openAPIV3Schema: { type: "object" } } }),
      /^schema [0-9a-f]{12}, this version has [0-9a-f]{12}\. Update: kubectl apply/,
    ],
  ])("%s is bad", (_name, definition, text) => {
    const line = checkDefinition("Demand", definition);
    expect(line).toMatchObject({ verdict: "bad", text: expect.stringMatching(text) });
  });
});

describe("the leader", () => {
  const lease = (ageSeconds: number, holderIdentity = "10.0.0.1:17079") => ({
    metadata: { name: "spillway-operator" },
    spec: {
      holderIdentity,
      leaseDurationSeconds: 15,
      renewTime: new Date(nowEpochMs - ageSeconds * 1_000).toISOString(),
    },
  });

  test("is ok while its Lease is renewed", () => {
    expect(checkLeader(lease(3), "sys", nowEpochMs)).toMatchObject({
      verdict: "ok",
      text: "10.0.0.1:17079 leads, renewed 3 s ago",
    });
  });

  test.each([
    ["without a Lease", undefined, /no Lease spillway-operator in namespace sys/],
    ["that gave it up", lease(3, ""), /nobody leads/],
    ["that was not heard of", lease(31), /10\.0\.0\.1:17079 led and has not been heard for 31 s/],
  ])("%s is bad", (_name, found, text) => {
    const line = checkLeader(found, "sys", nowEpochMs);
    expect(line).toMatchObject({ verdict: "bad", text: expect.stringMatching(text) });
  });
});

describe("certificates", () => {
  const config = (trustBundle: string) => ({ metadata: { name: "x" }, data: { trustBundle } });

  test("are judged by the authority that lasts longest", async () => {
    const { certificatePem } = await createAuthority({
      clusterId: "test",
      nowMs: Date.now(),
      validForMs: 365 * 24 * 3_600_000,
    });
    const line = checkTrust(config(`${certificatePem}\n${certificatePem}`), "sys", Date.now());
    expect(line).toMatchObject({
      verdict: "ok",
      text: expect.stringMatching(/^the last of 2 authorities is valid until \d{4}-\d\d-\d\d$/),
    });
    const endMs = Date.parse(new X509Certificate(certificatePem).validTo);
    const textAt = (nowEpochMs: number): string =>
      checkTrust(config(certificatePem), "sys", nowEpochMs).text;
    expect(textAt(endMs - 1_000)).toMatch(/^the authority is valid until .* only\. A running/);
    expect(textAt(endMs + 1_000)).toMatch(/^the authority ended on \d{4}-\d\d-\d\d\. A running/);
  });

  test("that are missing or broken are bad", () => {
    expect(checkTrust(undefined, "sys", nowEpochMs).text).toMatch(/^no trustBundle in ConfigMap/);
    const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    expect(checkTrust(config(broken), "sys", nowEpochMs).text).toMatch(/cannot be read/);
  });
});

function pod(name: string, labels: Record<string, string>, over: object = {}): Pod {
  return { metadata: { name, namespace: "shop", labels, ...over }, status: { phase: "Running" } };
}

describe("sidecars", () => {
  const inject = { "spillway.dev/inject": "true" };
  const injected = { "spillway.dev/injected": "true" };
  const namespace = (labels: object) => [{ metadata: { name: "shop", labels: { ...labels } } }];

  test("are counted where nobody lacks one", () => {
    const pods = [pod("a", { ...inject, ...injected }), pod("b", {})];
    expect(checkInjection(pods, namespace({}))).toMatchObject({
      verdict: "ok",
      text: "1 pod has one, none lacks it",
    });
  });

  test("are missed in pods that opted in, themselves or by their namespace", () => {
    expect(checkInjection([pod("a", inject), pod("b", {})], namespace({})).text).toMatch(
      /^1 opted in and lack one: shop\/a\. Create them again/,
    );
    const pods = [pod("a", {}), pod("b", { "spillway.dev/inject": "false" }), pod("c", injected)];
    expect(checkInjection(pods, namespace(inject)).text).toMatch(/^1 opted in .*: shop\/a\./);
  });

  test("are not missed in pods that have ended; ten names are told", () => {
    const ended = { ...pod("a", inject), status: { phase: "Succeeded" } };
    expect(checkInjection([ended], []).verdict).toBe("ok");
    const many = Array.from({ length: 12 }, (_, n) => pod(`p${n}`, inject));
    expect(checkInjection(many, []).text).toMatch(/^12 opted in .*shop\/p9, and 2 more\./);
  });
});

describe("annotations", () => {
  test("that are ours are known", () => {
    const annotations = { "spillway.dev/shm-size": "1Mi", other: "x" };
    expect(checkWords([pod("a", {}, { annotations })]).verdict).toBe("ok");
  });

  test("that look like ours are told with the nearest name", () => {
    const annotations = { "spillway.dev/shm-sise": "1Mi" };
    expect(checkWords([pod("a", { "spillway.dev/x": "" }, { annotations })])).toMatchObject({
      verdict: "bad",
      text:
        "unknown: spillway.dev/x of shop/a, " +
        "spillway.dev/shm-sise of shop/a (did you mean spillway.dev/shm-size?).",
    });
  });
});

test("lines have their columns", () => {
  const lines = [
    { verdict: "ok", subject: "a", text: "well" },
    { verdict: "skipped", subject: "long", text: "not allowed" },
  ] as const;
  expect(checkText(lines)).toBe("ok       a     well\nskipped  long  not allowed\n");
});
