import { describe, expect, test } from "vitest";
import { check, type Checked, refusalText, schemas } from "../../../../operator/schema/index.ts";
import { badCapabilities, badDemands, badManifest } from "../../../support/bad-manifests.ts";
import { capabilityManifest, demandManifest, type Json } from "../../../support/manifests.ts";

/** A refusal on one line, so that a table shows the exact words. */
function words(checked: Checked<unknown>): string[] {
  if (checked.ok) return [];
  return checked.refusals.map((it) =>
    [it.field, it.problem, it.value ?? "-", it.bound ?? "-", it.remedy].join(" | "),
  );
}

/** The refusals as `up` tells them, without their places. */
function sentences(checked: Checked<unknown>): string[] {
  return checked.ok ? [] : checked.refusals.map((it) => `${refusalText(it)}. ${it.remedy}`);
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
    it.status = { queues: 3 };
  });
  expect(check(schemas.Demand, manifest).ok).toBe(true);
});

describe("a manifest is refused in the words of the table", () => {
  test.each(badDemands)("a Demand for $name", (bad) => {
    expect(sentences(check(schemas.Demand, badManifest("Demand", bad)))).toEqual([bad.up]);
  });

  test.each(badCapabilities)("a Capability for $name", (bad) => {
    expect(sentences(check(schemas.Capability, badManifest("Capability", bad)))).toEqual([bad.up]);
  });
});

test("what the API server says in our words, up says too, with what stands there besides", () => {
  const facts = / \((it is [^;)]*; )?allowed: [^)]*\)/;
  const own = [...badDemands, ...badCapabilities].filter(({ server }) => server.endsWith("."));
  expect(own.length).toBeGreaterThan(20);
  for (const { up, server } of own) {
    const words =
      /Invalid value: (?:"[^"]*": |[0-9]+: )?(?:.* evaluating rule: )?(.*)$/.exec(server)?.[1] ??
      "";
    expect(up.replace(facts, ""), server).toContain(words.replace(facts, ""));
  }
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
