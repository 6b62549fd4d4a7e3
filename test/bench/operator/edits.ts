/** Edits of Demands: how long until the operator has said what it thinks of each. */
import { setTimeout as delay } from "node:timers/promises";
import type { ApiClient, ApiObject } from "../../cluster/index.ts";
import { collection, conditionOf } from "../../cluster/workload.ts";

/** Changes the spec of a Demand. @returns the object with its new generation. */
async function edit(api: ApiClient, namespace: string, name: string): Promise<ApiObject> {
  const path = `${collection(namespace, "demands")}/${name}`;
  const { spec } = await api.get(path);
  const desiredProviders = (Number(spec.desiredProviders) % 5) + 1;
  return await api.merge(path, { spec: { desiredProviders } });
}

/**
 * Edits Demands one after another.
 * @returns ms from each edit's answer until its generation is accepted, polled every 5 ms.
 */
export async function editsToAccepted(
  api: ApiClient,
  namespace: string,
  names: readonly string[],
): Promise<number[]> {
  const latenciesMs: number[] = [];
  for (const name of names) {
    const path = `${collection(namespace, "demands")}/${name}`;
    const { metadata } = await edit(api, namespace, name);
    const beginMs = performance.now();
    await accepted(api, path, metadata.generation);
    latenciesMs.push(performance.now() - beginMs);
  }
  return latenciesMs;
}

/** Waits until a generation of a Demand, or a later one, is accepted. */
async function accepted(api: ApiClient, path: string, generation = 0): Promise<void> {
  const beginMs = performance.now();
  for (;;) {
    const seen = conditionOf(await api.get(path), "Accepted")?.observedGeneration ?? 0;
    if (seen >= generation) return;
    if (performance.now() - beginMs > editTimeoutMs) throw new Error(`${path} is not accepted`);
    await delay(5);
  }
}

/** Edits that come within a while. */
export interface BurstOptions {
  /** All edits. */
  readonly count: number;
  /** Those of one Demand, a few at a time, as by programs that know nothing of one another. */
  readonly editsOfEach: number;
  /** Demands take their turns evenly in this, ms. */
  readonly withinMs: number;
}

/**
 * Edits Demands, a few times each; nothing is read meanwhile. Returns when the last generation of
 * each is accepted.
 * @returns ms until the last edit was answered: longer than asked for where the API server is slow.
 */
export async function burstOfEdits(
  api: ApiClient,
  namespace: string,
  { count, editsOfEach, withinMs }: BurstOptions,
): Promise<number> {
  const demandCount = count / editsOfEach;
  const path = (index: number): string => `${collection(namespace, "demands")}/demand-${index}`;
  const generations: (number | undefined)[] = [];
  const beginMs = performance.now();
  await forEachOf(demandCount, 16, async (index) => {
    await delay(Math.max(0, beginMs + (index * withinMs) / demandCount - performance.now()));
    await forEachOf(editsOfEach, editsAtOnce, async (turn) => {
      // Each has its own value, so that in any order each is a new generation.
      const { metadata } = await api.merge(path(index), { spec: { maxProviders: 101 + turn } });
      generations[index] = Math.max(generations[index] ?? 0, metadata.generation ?? 0);
    });
  });
  const tookMs = performance.now() - beginMs;
  await forEachOf(demandCount, 16, (index) => accepted(api, path(index), generations[index]));
  return tookMs;
}

/** Edits of one Demand on their way: more of them would meet one another's conflicts. */
const editsAtOnce = 4;

const editTimeoutMs = 30_000;

/** @returns the value below which `share` of all lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Does something for each number below `count`, `atOnce` at a time. */
export async function forEachOf(
  count: number,
  atOnce: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const line = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await work(next - 1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, line));
}
