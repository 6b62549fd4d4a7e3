/** Edits of Demands: how long until the operator has said what it thinks of each. */
import { setTimeout as delay } from "node:timers/promises";
import type { ApiClient, ApiObject } from "../../cluster/index.ts";
import { collection, conditionOf } from "../../cluster/workload.ts";

/** Changes the spec of a Demand. @returns the object with its new generation. */
export async function edit(api: ApiClient, namespace: string, name: string): Promise<ApiObject> {
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
    for (;;) {
      const now = await api.get(path);
      if (conditionOf(now, "Accepted")?.observedGeneration === metadata.generation) break;
      if (performance.now() - beginMs > editTimeoutMs) throw new Error(`${name} is not accepted`);
      await delay(5);
    }
    latenciesMs.push(performance.now() - beginMs);
  }
  return latenciesMs;
}

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
