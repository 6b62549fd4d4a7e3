/**
 * The same options are read in three places: manifests (operator/schema), the SDK, the engine. What
 * the first two accept the engine must accept, and both must draw the line at the same value.
 */
import { describe, expect, it } from "vitest";
import { check, schemas } from "../../operator/schema/index.ts";
import { resolveCapabilityOptions, resolveDemandOptions } from "../../sidecar/core/work/index.ts";
import { resolveDemandSettings } from "../../sidecar/sdk/demand-options.ts";
import { capabilityManifest, demandManifest, type Json } from "../support/manifests.ts";

interface Field {
  /** Path in a manifest's spec. */
  readonly manifest: string;
  /** Path in the SDK's and the engine's options. */
  readonly option: string;
  readonly min: number;
  readonly max: number;
  /** How a manifest writes the value. */
  readonly write: (value: number) => unknown;
  /** Other options that the edges need. */
  readonly beside?: (value: number) => Readonly<Record<string, number>>;
}

const count = (value: number): unknown => value;
const duration = (value: number): unknown =>
  `${String(Math.floor(value / 1_000))}s${String(value % 1_000)}ms`;
const bytes = (value: number): unknown => String(value);
const [day, hour, kibibyte] = [86_400_000, 3_600_000, 1_024];
const gibibytes16 = 16 * 2 ** 30;

const fields: readonly Field[] = [
  { manifest: "maxProviders", option: "maxProviders", min: 1, max: 1_000, write: count },
  {
    manifest: "desiredProviders",
    option: "desiredProviders",
    min: 1,
    max: 1_000,
    write: count,
    beside: () => ({ maxProviders: 1_000 }),
  },
  {
    manifest: "lease.duration",
    option: "lease.durationMs",
    min: 1_000,
    max: hour,
    write: duration,
  },
  {
    manifest: "lease.maxRuntime",
    option: "lease.maxRuntimeMs",
    min: 1_000,
    max: day,
    write: duration,
  },
  {
    manifest: "retry.maxAttempts",
    option: "retry.maxAttempts",
    min: 1,
    max: 100,
    write: count,
  },
  {
    manifest: "retry.backoff.factor",
    option: "retry.backoff.factor",
    min: 1,
    max: 10,
    write: count,
  },
  { manifest: "queue.maxItems", option: "queue.maxItems", min: 1, max: 1_000_000, write: count },
  {
    manifest: "queue.maxBytes",
    option: "queue.maxBytes",
    min: kibibyte,
    max: gibibytes16,
    write: bytes,
  },
  {
    manifest: "deadLetter.maxItems",
    option: "deadLetter.maxItems",
    min: 0,
    max: 1_000_000,
    write: count,
  },
  {
    manifest: "deadLetter.maxAge",
    option: "deadLetter.maxAgeMs",
    min: 1_000,
    max: 30 * day,
    write: duration,
  },
  {
    manifest: "retention.maxItems",
    option: "retention.maxItems",
    min: 0,
    max: 1_000_000,
    write: count,
  },
  {
    manifest: "retention.maxBytes",
    option: "retention.maxBytes",
    min: kibibyte,
    max: gibibytes16,
    write: bytes,
  },
  {
    manifest: "retention.maxAge",
    option: "retention.maxAgeMs",
    min: 1_000,
    max: 30 * day,
    write: duration,
  },
];

function set(target: Json, path: string, value: unknown): Json {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let at = target;
  for (const key of keys) at = at[key] ??= {};
  at[last] = value;
  return target;
}

function schemaTakes(field: Field, value: number): boolean {
  const manifest = demandManifest((it) => {
    for (const [path, beside] of Object.entries(field.beside?.(value) ?? {})) {
      set(it.spec, path, beside);
    }
    set(it.spec, field.manifest, field.write(value));
  });
  return check(schemas.Demand, manifest).ok;
}

function optionsOf(field: Field, value: number): Json {
  return set({ ...field.beside?.(value) }, field.option, value);
}

function takes(resolve: () => unknown): boolean {
  try {
    resolve();
    return true;
  } catch {
    return false;
  }
}

describe.each(fields)("$manifest", (field) => {
  const { min, max } = field;
  const sdkTakes = (value: number): boolean =>
    takes(() => resolveDemandSettings(optionsOf(field, value)));
  const engineTakes = (value: number): boolean =>
    takes(() => resolveDemandOptions(optionsOf(field, value)));

  it.each([min, max])("%d is accepted everywhere", (value) => {
    expect([schemaTakes(field, value), sdkTakes(value), engineTakes(value)]).toEqual([
      true,
      true,
      true,
    ]);
  });

  it.each([min - 1, max + 1])("%d is refused by manifests and SDK alike", (value) => {
    expect([schemaTakes(field, value), sdkTakes(value)]).toEqual([false, false]);
  });
});

describe.each(["concurrency", "maxDemands"] as const)("Capability %s", (option) => {
  it.each([
    [1, true],
    [1_000, true],
    [0, false],
    [1_001, false],
  ])("%d: accepted %s, by manifests and engine alike", (value, accepted) => {
    const manifest = capabilityManifest((it) => set(it.spec, option, value));
    expect(check(schemas.Capability, manifest).ok).toBe(accepted);
    expect(takes(() => resolveCapabilityOptions({ [option]: value }))).toBe(accepted);
  });
});
