import { afterEach } from "vitest";
import { Cluster } from "./cluster.ts";
import type { HarnessFactory } from "./suite.ts";

/** @returns makes the cluster of a test; it is closed after the test. */
export function withCluster(create: HarnessFactory): () => Promise<Cluster> {
  const open: Cluster[] = [];
  afterEach(async () => {
    for (const cluster of open.splice(0)) await cluster.close();
  });
  return async () => {
    const cluster = new Cluster(await create());
    open.push(cluster);
    return cluster;
  };
}
