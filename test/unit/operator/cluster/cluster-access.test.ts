import { writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { ClusterAccess } from "../../../../operator/cluster/cluster-access.ts";
import { types } from "../../../../operator/cluster/resources.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** An API server that is played, and access to it by a kubeconfig. */
async function accessTo(answer: RequestListener): Promise<ClusterAccess> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const path = join(temporaryFolder(), "kubeconfig");
  const config = {
    clusters: [
      {
        name: "c",
        cluster: {
          server: `http://127.0.0.1:${String(port)}`,
          // The client library takes plain HTTP only so.
          "insecure-skip-tls-verify": true,
        },
      },
    ],
    users: [{ name: "u", user: { token: "t" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  writeFileSync(path, JSON.stringify(config));
  const access = await ClusterAccess.open({ path });
  onTestFinished(async () => {
    await access.close();
    server.closeAllConnections();
    server.close();
  });
  return access;
}

function pods(from: number, count: number, next: string): string {
  const items = Array.from({ length: count }, (_, n) => ({ metadata: { name: `p${from + n}` } }));
  return JSON.stringify({ metadata: { resourceVersion: "1", continue: next }, items });
}

describe("a kubeconfig", () => {
  test("that is nowhere is one sentence with the remedy", async () => {
    vi.stubEnv("KUBECONFIG", undefined);
    vi.stubEnv("HOME", temporaryFolder());
    await expect(ClusterAccess.open({})).rejects.toMatchObject({
      code: "NO_KUBECONFIG",
      message:
        "no kubeconfig names a cluster (looked at KUBECONFIG and ~/.kube/config). " +
        "Point KUBECONFIG or --kubeconfig at the file that kubectl uses.",
    });
  });

  test("that cannot be read, or has no such context, is told", async () => {
    await expect(ClusterAccess.open({ path: "/nowhere" })).rejects.toMatchObject({
      code: "KUBECONFIG_INVALID",
      message: expect.stringContaining("/nowhere cannot be read"),
    });
    const path = join(temporaryFolder(), "kubeconfig");
    writeFileSync(path, "contexts: []");
    await expect(ClusterAccess.open({ path, context: "prod" })).rejects.toMatchObject({
      code: "KUBECONFIG_INVALID",
      message: expect.stringContaining("no context prod"),
    });
  });
});

describe("a list", () => {
  test("is read page by page", async () => {
    const asked: string[] = [];
    const access = await accessTo((request, response) => {
      asked.push(request.url ?? "");
      response.end(asked.length === 1 ? pods(0, 2, "more") : pods(2, 1, ""));
    });
    const found = await access.list(types.pods, { namespace: "shop" });
    expect(found?.map(({ metadata }) => metadata.name)).toEqual(["p0", "p1", "p2"]);
    expect(asked).toEqual([
      "/api/v1/namespaces/shop/pods?limit=500",
      "/api/v1/namespaces/shop/pods?limit=500&continue=more",
    ]);
  });

  test("ends at its bound, whatever the server says", async () => {
    const access = await accessTo((_request, response) => void response.end(pods(0, 2_500, "on")));
    expect(await access.list(types.pods, {})).toHaveLength(5_000);
  });

  test("of a type that is not served is undefined, so is an object that is not there", async () => {
    const access = await accessTo((_request, response) => void response.writeHead(404).end("{}"));
    expect(await access.list(types.demands, {})).toBeUndefined();
    expect(await access.find(types.leases, { namespace: "a", name: "b" })).toBeUndefined();
  });

  test("that is forbidden is the missing permission", async () => {
    const message =
      'pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "shop"';
    const access = await accessTo((_request, response) => {
      response.writeHead(403).end(JSON.stringify({ message, reason: "Forbidden" }));
    });
    await expect(access.list(types.pods, { namespace: "shop" })).rejects.toMatchObject({
      code: "FORBIDDEN",
      text: "ann may not list pods in namespace shop",
    });
  });
});
