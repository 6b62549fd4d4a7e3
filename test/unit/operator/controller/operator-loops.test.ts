import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CachedPod } from "../../../../operator/controller/cluster-objects.ts";
import {
  type ControllerRig,
  controllerRig,
  shopCapability,
  shopDemand,
  shopPaths,
  shopPod,
} from "../../../support/controller-rig.ts";

let rig: ControllerRig;

beforeEach(async () => {
  rig = await controllerRig();
});

afterEach(async () => {
  await rig.stop();
});

const { demands, pods } = shopPaths;

const withoutContract = (name: string) =>
  shopDemand(name, (it) => {
    it.spec.contract.schema = { configMapRef: { name: "gone", key: "images.binpb" } };
  });

const unreadable = (name: string) =>
  shopDemand(name, (it) => {
    it.metadata.generation = 2;
    it.spec.maxProviders = "many";
  });

const isTold = (pod: string, ...what: readonly string[]) => {
  const wanted = what.toSorted().join();
  return rig.until(() => rig.sidecars.told(pod)?.join() === wanted, `${pod} told ${wanted}`);
};

describe("a Demand that cannot be read any more", () => {
  test("is served as before, to the pods that it selected", async () => {
    rig.server.put(demands, shopDemand("thumbnails"));
    rig.server.put(pods, shopPod("web-0"));
    rig.server.put(pods, shopPod("other-0", { app: "other" }));
    await rig.lead();
    await isTold("web-0", "thumbnails");
    rig.server.put(demands, unreadable("thumbnails"));
    rig.server.put(demands, shopDemand("second"));
    await isTold("web-0", "thumbnails", "second");
    rig.server.put(pods, shopPod("web-1"));
    await isTold("web-1", "thumbnails", "second");
    await isTold("other-0");
    rig.server.remove(`${demands}/thumbnails`);
    await isTold("web-0", "second");
  });

  test("is left to a new leader's pods as they hold it, until it is gone or readable", async () => {
    const { uid = "" } = rig.server.put(demands, unreadable("thumbnails")).metadata;
    rig.server.put(pods, shopPod("web-0"));
    rig.server.put(pods, shopPod("other-0", { app: "other" }));
    await rig.lead();
    await isTold("web-0", uid);
    await isTold("other-0", uid);
    rig.server.put(
      demands,
      shopDemand("thumbnails", (it) => {
        it.metadata.generation = 3;
      }),
    );
    await isTold("web-0", "thumbnails");
    await isTold("other-0");
  });

  test("that is deleted is left to nobody", async () => {
    const { uid = "" } = rig.server.put(demands, unreadable("thumbnails")).metadata;
    rig.server.put(pods, shopPod("web-0"));
    await rig.lead();
    await isTold("web-0", uid);
    rig.server.remove(`${demands}/thumbnails`);
    await isTold("web-0");
  });
});

describe("a Demand whose contract is gone", () => {
  test("is left to a new leader's pods as they hold it; what else selects them is told", async () => {
    rig.server.put(demands, withoutContract("thumbnails"));
    rig.server.put(demands, shopDemand("second"));
    rig.server.put(pods, shopPod("web-0"));
    await rig.lead();
    await isTold("web-0", "thumbnails (kept)", "second");
    rig.server.put(
      demands,
      shopDemand("thumbnails", (it) => {
        it.metadata.generation = 2;
      }),
    );
    await isTold("web-0", "thumbnails", "second");
  });
});

describe("a Demand whose contract cannot be asked for", () => {
  test.each([500, 403])("(%i) does not hold up what else selects its pods", async (answer) => {
    rig.server.fail({ answer, matching: /configmaps\/gone/, times: 1_000 });
    rig.server.put(demands, withoutContract("thumbnails"));
    rig.server.put(demands, shopDemand("second"));
    rig.server.put(pods, shopPod("web-0"));
    await rig.lead();
    await isTold("web-0", "thumbnails (kept)", "second");
    if (answer !== 403) return;
    const status = () => JSON.stringify(rig.server.get(`${demands}/thumbnails`));
    await rig.until(() => status().includes("ContractUnresolved"), "the refusal");
    expect(status()).toContain("may not read ConfigMap gone");
  });
});

describe("a Capability that scales", () => {
  const target = "/apis/apps/v1/namespaces/shop/deployments/worker";
  const cost = "controller.kubernetes.io/pod-deletion-cost";
  const costOf = (pod: string): unknown => {
    const { metadata } = { ...rig.server.get(`${pods}/${pod}`) } as CachedPod;
    return metadata.annotations?.[cost];
  };

  const scaler = (generation = 1) =>
    shopCapability("scaler", (it) => {
      it.metadata.generation = generation;
      it.spec.selector = { matchLabels: { app: "worker" } };
      it.spec.scale = {
        targetRef: { kind: "Deployment", name: "worker" },
        minReplicas: 0,
        maxReplicas: 4,
        stabilization: "1s",
        idleAfter: "1s",
      };
    });
  const marks = (): number =>
    rig.server.requests.filter(({ method, url }) => method === "PATCH" && /worker-0/.test(url))
      .length;

  const looks = (): number =>
    rig.server.requests.filter(({ method, url }) => method === "GET" && /worker\/scale/.test(url))
      .length;

  /** A Deployment of one idle pod. */
  const putTarget = (): void => {
    const status = { replicas: 1, selector: "app=worker" };
    rig.server.put(target, { metadata: { name: "scale" }, spec: { replicas: 1 }, ...{ status } });
    rig.server.put(pods, { ...shopPod("worker-0", { app: "worker" }), ...{ status: {} } });
  };

  test("leaves no pod marked to be removed first when it goes, also when a first try fails", async () => {
    putTarget();
    rig.server.put(shopPaths.capabilities, scaler());
    await rig.lead();
    await rig.until(() => costOf("worker-0") === "-1000", "the mark");
    rig.server.fail({ answer: 500, matching: /^PATCH .*worker-0/, times: 2 });
    rig.server.remove(`${shopPaths.capabilities}/scaler`);
    await rig.until(() => costOf("worker-0") === null, "no mark");
  });

  test.each([422, 400])(
    "does not ask again what is refused with %i until its spec changes",
    async (answer) => {
      rig.server.fail({ answer, matching: /^PATCH .*worker-0/ });
      putTarget();
      rig.server.put(shopPaths.capabilities, scaler());
      await rig.lead();
      await rig.until(() => marks() === 1, "a refusal");
      await rig.until(() => rig.lines.some((it) => it.includes("refuses this for good")), "a line");
      for (const pod of ["worker-1", "worker-2", "worker-3"]) {
        const before = looks();
        rig.server.put(pods, shopPod(pod, { app: "worker" }));
        await rig.time.elapse(60_000);
        await rig.until(() => looks() > before, "another look");
      }
      expect([marks(), costOf("worker-0")]).toEqual([1, undefined]);
      rig.server.put(shopPaths.capabilities, scaler(2));
      await rig.until(() => marks() > 1, "another try");
    },
  );

  test("asks a minute later what is refused with 403", async () => {
    rig.server.fail({ answer: 403, matching: /^PATCH .*worker-0/ });
    putTarget();
    rig.server.put(shopPaths.capabilities, scaler());
    await rig.lead();
    await rig.until(() => marks() === 1, "a refusal");
    await rig.until(() => rig.lines.some((it) => it.includes("refuses this for good")), "a line");
    expect(marks()).toBe(1);
    await rig.time.elapse(60_000);
    await rig.until(() => costOf("worker-0") === "-1000", "the mark");
  });
});
