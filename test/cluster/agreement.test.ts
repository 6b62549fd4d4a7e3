/**
 * `spillway up` and the API server agree about every edge of every field: each field of a full
 * manifest is set to values at, within and beyond its bounds and of other types.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { check, schemas } from "../../operator/schema/index.ts";
import { documentAt, type SchemaDocument } from "../../operator/schema/schema-document.ts";
import { capabilityManifest, demandManifest, type Json } from "../support/manifests.ts";
import { ApiRefusal, type Cluster, startCluster } from "./index.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(async () => {
  await cluster.stop();
});

/** Texts for every field that holds one: of each form, nearly of each form, too long. */
const texts = [
  ..."1s 1ms 0s 1h 61m 24h 720h 721h 1.5s 1.2345s 1h30m 1h1m1s1ms 1h1m1s1ms1s 5 -1s 1S".split(" "),
  ..."0 1 1Ki 1023 1024 16Gi 16385Mi 17179869184 17179869185 1KiB 1e3 0.5Ki".split(" "),
  ..."a A a.b A.b a..b .a a. _a 9a a-b -a a- a/b a_b app example.com/tier /x / x/ //x".split(" "),
  ..."AAAA AAA= AA== A=== = AAAAA apps/v1 apps/v2 Deployment Refuse Disk In NotIn".split(" "),
  ...["", " ", "a b", "é", "/é", "a\n", "\n", "1s\n", "'", "\\", "x".repeat(63), "x".repeat(64)],
  ...["x".repeat(253), "x".repeat(254), "x".repeat(255), "x".repeat(256), "1".repeat(40)],
];

const others = [null, true, 0, 1, -1, 1.5, [], ["x"], [null], {}, { strange: 1 }];

/** For fields that hold others: labels with keys of every kind, and too many of them. */
const maps = [
  ...["-a", "a-", "a/b", "A.b/c", "a.b/c", "a..b/c", "/c", "a/", "a/b/c", "", "é", "a b"].map(
    (key) => ({
      [key]: "x",
    }),
  ),
  { ["k".repeat(63)]: "x" },
  { ["k".repeat(64)]: "x" },
  { [`${"p".repeat(253)}/${"k".repeat(63)}`]: "x" },
  { [`${"p".repeat(254)}/${"k".repeat(63)}`]: "x" },
  Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`key-${index}`, "x"])),
  Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`key-${index}`, "x"])),
];

function numbersAround({ minimum = 0, maximum = 0 }: SchemaDocument): number[] {
  return [minimum - 1, minimum, minimum + 0.5, maximum, maximum + 1, maximum + 0.5, 2 ** 40];
}

function valuesFor(part: SchemaDocument): unknown[] {
  switch (part.type) {
    case "string":
      return [...texts, ...others];
    case "integer":
    case "number":
      return [...numbersAround(part), ...others, "1", "x"];
    default:
      return [...others, ...maps, "true", "x"];
  }
}

/** Every place of a value, the containers included. */
function placesOf(value: Json, path: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [[...path]];
  const entries = Object.entries(value).map(
    ([key, inner]) => [Array.isArray(value) ? Number(key) : key, inner] as const,
  );
  const below = entries.flatMap(([key, inner]) => placesOf(inner, [...path, key]));
  return path.length === 0 ? below : [[...path], ...below];
}

function withValue(manifest: Json, path: readonly (string | number)[], value: unknown): Json {
  const changed = structuredClone(manifest);
  let at = changed;
  for (const key of path.slice(0, -1)) at = at[key];
  at[path.at(-1) ?? ""] = value;
  return changed;
}

const conditions = [{ key: "tier", operator: "In", values: ["a"] }];

const fullDemand = demandManifest(({ metadata, spec }) => {
  metadata.labels = { team: "images" };
  metadata.annotations = { "example.com/note": "Thumbnails." };
  spec.selector.matchExpressions = conditions;
  spec.lease = { progressTimeout: "5s" };
  spec.rateLimit = { perSecond: 5 };
});

const fullCapability = capabilityManifest(({ spec }) => {
  spec.contract.schema = { descriptorSet: "AAAA" };
  spec.deliver = { port: 80, readyPath: "/ready" };
  spec.scale = { targetRef: { kind: "Deployment", name: "worker" }, maxReplicas: 5 };
});

/** The manifest with every default written down, so that those fields are tried too. */
function complete(kind: "Demand" | "Capability", manifest: Json): Json {
  const checked = check<unknown>(schemas[kind], manifest);
  if (!checked.ok) throw new Error(`the full ${kind} is refused`);
  return checked.value;
}

async function serverRefuses(path: string, manifest: Json): Promise<string | undefined> {
  try {
    await cluster.admin.api.create(`${path}?dryRun=All&fieldValidation=Strict`, manifest);
    return undefined;
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error;
    return error.message;
  }
}

test.each([
  ["Demand", "demands", fullDemand],
  ["Capability", "capabilities", fullCapability],
] as const)("what is accepted as a %s is the same", { timeout: 240_000 }, async (...row) => {
  const [kind, plural, full] = row;
  const manifest = complete(kind, full);
  const path = `/apis/spillway.dev/v1alpha1/namespaces/default/${plural}`;
  expect(await serverRefuses(path, manifest)).toBeUndefined();
  const disagreements: string[] = [];
  const tried = { accepted: 0, refused: 0 };
  const places = placesOf(manifest).filter(
    ([first]) => !["apiVersion", "kind"].includes(String(first)),
  );
  for (const place of places) {
    const part = documentAt(schemas[kind].document, place);
    if (part === undefined) throw new Error(`no document of ${place.join(".")}`);
    for (const value of valuesFor(part)) {
      const changed = withValue(manifest, place, value);
      const isRefused = !check<unknown>(schemas[kind], changed).ok;
      const refusal = await serverRefuses(path, changed);
      tried[isRefused ? "refused" : "accepted"]++;
      if (isRefused === (refusal !== undefined)) continue;
      const told = refusal ?? "accepted by the API server, refused by up";
      disagreements.push(`${place.join(".")} = ${JSON.stringify(value)}: ${told}`);
    }
  }
  expect(disagreements).toEqual([]);
  expect(tried.refused).toBeGreaterThan(500);
  expect(tried.accepted).toBeGreaterThan(50);
});
