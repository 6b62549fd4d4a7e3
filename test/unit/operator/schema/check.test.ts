import { expect, test } from "vitest";
import { check, type Checked, schemas } from "../../../../operator/schema/index.ts";
import { capabilityManifest, demandManifest, type Json } from "../../../support/manifests.ts";

/** A refusal on one line, so that a table shows the exact words. */
function words(checked: Checked<unknown>): string[] {
  if (checked.ok) return [];
  return checked.refusals.map((it) =>
    [it.field, it.problem, it.value ?? "-", it.bound ?? "-", it.remedy].join(" | "),
  );
}

test("a Demand with only what is required gets every default of the design", () => {
  const checked = check(schemas.Demand, demandManifest());
  expect(checked.ok && checked.value.spec).toMatchObject({
    desiredProviders: 1,
    maxProviders: 10,
    lease: { duration: "15s", maxRuntime: "10m" },
    retry: { maxAttempts: 5, backoff: { initial: "200ms", max: "1m", factor: 2 } },
    queue: { maxItems: 10_000, maxBytes: "256Mi", overflow: "Refuse", durability: "Memory" },
    deadLetter: { maxItems: 1_000, maxAge: "24h" },
    retention: { maxItems: 10_000, maxBytes: "64Mi", maxAge: "1h" },
    paused: false,
  });
});

test("a Capability with only what is required gets every default of the design", () => {
  const checked = check(schemas.Capability, capabilityManifest());
  expect(checked.ok && checked.value.spec).toMatchObject({ concurrency: 1, maxDemands: 8 });
});

test("what the API server adds to a resource is no reason to refuse it", () => {
  const manifest = demandManifest((it) => {
    it.metadata.uid = "3f0c";
    it.metadata.namespace = "shop";
    it.status = { ready: 3 };
  });
  expect(check(schemas.Demand, manifest).ok).toBe(true);
});

const refusedDemands: readonly [string, (manifest: Json) => void, string][] = [
  [
    "an unknown field, with the nearest name",
    (it) => (it.spec.maxProvider = 3),
    "spec.maxProvider | is no known field | - | contract, selector, desiredProviders, maxProviders, lease, retry, queue, deadLetter, retention, rateLimit, paused | Write maxProviders.",
  ],
  [
    "an unknown field that is near to none",
    (it) => (it.spec.lease = { colour: 1 }),
    "spec.lease.colour | is no known field | - | duration, maxRuntime, progressTimeout | Take it out, or write one of the known fields.",
  ],
  [
    "a number above its bound",
    (it) => (it.spec.maxProviders = 2000),
    "spec.maxProviders | is out of range | 2000 | 1 to 1000 | Write a whole number from 1 to 1000.",
  ],
  [
    "a number below its bound",
    (it) => (it.spec.desiredProviders = 0),
    "spec.desiredProviders | is out of range | 0 | 1 to 1000 | Write a whole number from 1 to 1000.",
  ],
  [
    "desired above max",
    (it) => Object.assign(it.spec, { desiredProviders: 6, maxProviders: 5 }),
    "spec.desiredProviders | is above maxProviders | 6 | at most 5 | Lower desiredProviders or raise maxProviders.",
  ],
  [
    "a fraction where a whole number is needed",
    (it) => (it.spec.retry = { maxAttempts: 2.5 }),
    "spec.retry.maxAttempts | is not a whole number | 2.5 | a whole number | Write a whole number.",
  ],
  [
    "a duration without a unit",
    (it) => (it.spec.lease = { duration: 10 }),
    "spec.lease.duration | is no duration | 10 | a duration such as 250ms, 5s or 1h30m | Write it with its unit.",
  ],
  [
    "a malformed duration",
    (it) => (it.spec.lease = { duration: "5 s" }),
    'spec.lease.duration | is malformed | "5 s" | a duration such as 250ms, 5s or 1h30m | Write a duration such as 250ms, 5s or 1h30m.',
  ],
  [
    "a duration out of its bounds",
    (it) => (it.spec.lease = { duration: "2h" }),
    'spec.lease.duration | is out of range | "2h" | 1s to 1h | Write a duration from 1s to 1h.',
  ],
  [
    "a backoff that begins above its end",
    (it) => (it.spec.retry = { backoff: { initial: "2m" } }),
    'spec.retry.backoff.initial | is above max | "2m" | at most 1m | Lower initial or raise max.',
  ],
  [
    "a progress timeout above the run time",
    (it) => (it.spec.lease = { progressTimeout: "1h" }),
    'spec.lease.progressTimeout | is above maxRuntime | "1h" | at most 10m | Lower progressTimeout or raise maxRuntime.',
  ],
  [
    "an amount of bytes that is a number",
    (it) => (it.spec.queue = { maxBytes: 1048576 }),
    'spec.queue.maxBytes | is no text | 1048576 | an amount of bytes such as 64Ki, 256Mi or "1048576" | Put it in quotes.',
  ],
  [
    "an amount of bytes out of its bounds",
    (it) => (it.spec.queue = { maxBytes: "17Gi" }),
    'spec.queue.maxBytes | is out of range | "17Gi" | 1Ki to 16Gi | Write an amount of bytes from 1Ki to 16Gi.',
  ],
  [
    "a word that is none of the allowed",
    (it) => (it.spec.queue = { overflow: "wait" }),
    'spec.queue.overflow | is not one of the allowed values | "wait" | Refuse, Wait | Write Refuse or Wait.',
  ],
  [
    "an empty selector",
    (it) => (it.spec.selector = {}),
    "spec.selector | is empty and would select every pod | - | at least one label or condition | Add matchLabels, for example matchLabels: { app: web }.",
  ],
  [
    "values beside an operator that takes none",
    (it) =>
      (it.spec.selector = { matchExpressions: [{ key: "a", operator: "Exists", values: ["b"] }] }),
    "spec.selector.matchExpressions[0].values | does not fit operator | - | one or more with In and NotIn, none with Exists and DoesNotExist | Add values, or change the operator.",
  ],
  [
    "a contract without a schema's source",
    (it) => (it.spec.contract.schema = {}),
    "spec.contract.schema | must name exactly one source | - | configMapRef or descriptorSet | Give configMapRef or descriptorSet, not both and not neither.",
  ],
  [
    "a contract with two sources",
    (it) => (it.spec.contract.schema.descriptorSet = "AAAA"),
    "spec.contract.schema | must name exactly one source | - | configMapRef or descriptorSet | Give configMapRef or descriptorSet, not both and not neither.",
  ],
  [
    "a missing contract",
    (it) => delete it.spec.contract,
    "spec.contract | is missing | - | - | Add it: what is sent and what is wanted back.",
  ],
  [
    "a message name that is none",
    (it) => (it.spec.contract.request = "images/ThumbnailRequest"),
    'spec.contract.request | is malformed | "images/ThumbnailRequest" | a full message name such as images.v1.ThumbnailRequest | Write a full message name such as images.v1.ThumbnailRequest.',
  ],
  [
    "a name that cannot stand in a path",
    (it) => (it.metadata.name = "Thumb nails"),
    'metadata.name | is malformed | "Thumb nails" | a DNS label: a to z, 0 to 9 and inner hyphens | Write a DNS label: a to z, 0 to 9 and inner hyphens.',
  ],
  [
    "a label value that YAML took for a number",
    (it) => (it.spec.selector = { matchLabels: { tier: 3 } }),
    "spec.selector.matchLabels.tier | is not a text | 3 | a text | Write a text. Put it in quotes if it looks like something else.",
  ],
  [
    "a rate limit of nothing",
    (it) => (it.spec.rateLimit = { perSecond: 0 }),
    "spec.rateLimit.perSecond | is out of range | 0 | 0.001 to 1000000 | Write a number from 0.001 to 1000000.",
  ],
  [
    "a list in the place of a map",
    (it) => (it.spec.retry = []),
    "spec.retry | is not a map of fields | - | a map of fields | Write a map of fields.",
  ],
];

test.each(refusedDemands)("a Demand is refused for %s", (_name, change, expected) => {
  expect(words(check(schemas.Demand, demandManifest(change)))).toEqual([expected]);
});

const refusedCapabilities: readonly [string, (manifest: Json) => void, string][] = [
  [
    "a concurrency of none",
    (it) => (it.spec.concurrency = 0),
    "spec.concurrency | is out of range | 0 | 1 to 1000 | Write a whole number from 1 to 1000.",
  ],
  [
    "a port that is none",
    (it) => (it.spec.deliver = { port: 70000 }),
    "spec.deliver.port | is out of range | 70000 | 1 to 65535 | Write a whole number from 1 to 65535.",
  ],
  [
    "a path without its slash",
    (it) => (it.spec.deliver = { port: 80, path: "work" }),
    'spec.deliver.path | is malformed | "work" | a path that begins with a slash | Write a path that begins with a slash.',
  ],
  [
    "a scale whose least is above its most",
    (it) =>
      (it.spec.scale = {
        targetRef: { kind: "Deployment", name: "worker" },
        minReplicas: 3,
        maxReplicas: 2,
      }),
    "spec.scale.minReplicas | is above maxReplicas | 3 | at most 2 | Lower minReplicas or raise maxReplicas.",
  ],
];

test.each(refusedCapabilities)("a Capability is refused for %s", (_name, change, expected) => {
  expect(words(check(schemas.Capability, capabilityManifest(change)))).toEqual([expected]);
});

const oneApp = (over: object): Json => ({
  apps: [{ name: "web", labels: { app: "web" }, command: ["node", "web.ts"], ...over }],
});

const refusedApps: readonly [string, Json, string][] = [
  [
    "a command that is a text",
    oneApp({ command: "node web.ts" }),
    'apps[0].command | is not a list | "node web.ts" | a list | Write a list.',
  ],
  [
    "a variable that up sets itself",
    oneApp({ env: { PORT: "1" } }),
    "apps[0].env | sets a variable that spillway sets itself | - | none of SPILLWAY_SOCKET, PORT, PATH, HOME | Take it out of env.",
  ],
  [
    "a variable that is no text, without telling its value",
    oneApp({ env: { TOKEN: 12345 } }),
    "apps[0].env.TOKEN | is not a text | - | a text | Write a text. Put it in quotes if it looks like something else.",
  ],
  [
    "a mistyped field",
    oneApp({ prot: 8080 }),
    "apps[0].prot | is no known field | - | name, labels, command, replicas, port, env | Write port.",
  ],
  [
    "too many replicas of all programs together",
    { apps: [...oneApp({ replicas: 40 }).apps, ...oneApp({ replicas: 40 }).apps] },
    "apps | ask for too many replicas together | - | 64 | Lower replicas: each costs a sidecar of about 100 MB.",
  ],
  [
    "no programs at all",
    { apps: [] },
    "apps | has too few entries | - | 1 to 64 entries | Give 1 to 64 entries.",
  ],
];

test.each(refusedApps)("apps.yaml is refused for %s", (_name, file, expected) => {
  expect(words(check(schemas.apps, file))).toEqual([expected]);
});

test("a document with very many faults is answered with the first twenty", () => {
  const manifest = demandManifest((it) => {
    for (let index = 0; index < 100; index++) it.spec[`wrong${index}`] = 1;
  });
  const checked = check(schemas.Demand, manifest);
  expect(checked.ok ? 0 : checked.refusals.length).toBe(20);
});
