/** What the API server refuses, in which words, and that `up` refuses the same. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  badCapabilities,
  badDemands,
  type BadManifest,
  badManifest,
} from "../support/bad-manifests.ts";
import { type Cluster, startCluster } from "./index.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(async () => {
  await cluster.stop();
});

/**
 * What `kubectl apply` says of a refused manifest: the causes, without the head that names kind and
 * name, and without those that only say that other checks were left out.
 */
async function causesOf(kind: "Demand" | "Capability", bad: BadManifest): Promise<string[]> {
  const manifest = badManifest(kind, bad);
  const apply = ["apply", "--dry-run=server", "--validate=strict", "-f", "-"];
  const { code, stderr } = await cluster.admin.tryKubectl(apply, manifest);
  expect(code, bad.name).toBe(1);
  const lines = stderr.trim().split("\n");
  const early = / (strict decoding error: .*|no matches for kind .*)$/.exec(lines[0] ?? "")?.[1];
  if (early !== undefined) return [early];
  const head = `The ${kind} "${manifest.metadata.name}" is invalid: `;
  expect(stderr.startsWith(head), stderr).toBe(true);
  const causes = lines.length === 1 ? [stderr.trim().slice(head.length)] : lines.slice(1);
  return causes.map((line) => line.replace(/^\* /, "")).filter((it) => !it.startsWith("<nil>"));
}

describe("the API server refuses, in the words of the table,", () => {
  test.each(badDemands)("a Demand for $name", async (bad) => {
    expect(await causesOf("Demand", bad)).toEqual([bad.server]);
  });

  test.each(badCapabilities)("a Capability for $name", async (bad) => {
    expect(await causesOf("Capability", bad)).toEqual([bad.server]);
  });
});
