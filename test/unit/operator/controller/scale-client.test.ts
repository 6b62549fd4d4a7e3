import { expect, test } from "vitest";
import { ScaleClient } from "../../../../operator/controller/scale-client.ts";
import { pod } from "../../../support/reconcile-rig.ts";

const place = { kind: "Deployment", namespace: "shop", name: "worker" } as const;

function read(found: object) {
  const get = () => Promise.resolve({ metadata: { resourceVersion: "11" }, ...found });
  // The one method of the client that is used.
  const scales = new ScaleClient({ get } as never);
  const selected = [pod("a"), pod("b", { labels: { app: "other" } })].map((it) => ({ pod: it }));
  return scales.read(place, selected, new AbortController().signal);
}

test("a target is read with the pods that it has, those without a sidecar included", async () => {
  const found = { spec: { replicas: 4 }, status: { replicas: 3, selector: "app=web" } };
  expect(await read(found)).toEqual({
    found: true,
    replicas: 4,
    pods: 3,
    resourceVersion: "11",
    podUids: new Set(["uid-a"]),
  });
});

test("a target that has told of no pods yet misses none", async () => {
  expect(await read({ spec: { replicas: 4 } })).toMatchObject({ replicas: 4, pods: 4 });
});
