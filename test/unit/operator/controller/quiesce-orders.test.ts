import { expect, test } from "vitest";
import { QuiesceOrders } from "../../../../operator/controller/quiesce-orders.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

function rig() {
  const clock = new FakeClock();
  const orders: string[] = [];
  const quiesce = new QuiesceOrders({
    world: {
      podOf: (uid) => (uid === "gone" ? undefined : { metadata: { name: uid } }),
      capabilityUidsOf: () => ["c2", "c1"],
    },
    sidecars: { quiesce: (pod, uids) => orders.push(`${pod}: ${uids.join(" ")}`) },
    clock,
  });
  return { clock, orders, quiesce };
}

test("a pod is quiet as a whole, and is told once", () => {
  const { orders, quiesce } = rig();
  quiesce.want("c1", ["p"]);
  quiesce.want("c1", ["p"]);
  expect(orders).toEqual(["p: c1 c2"]);
});

test("a pod works again when no Capability wants it to go", () => {
  const { orders, quiesce } = rig();
  quiesce.want("c1", ["p"]);
  quiesce.want("c2", ["p"]);
  quiesce.want("c1", []);
  expect(orders).toEqual(["p: c1 c2"]);
  quiesce.want("c2", []);
  expect(orders).toEqual(["p: c1 c2", "p: "]);
});

test("an order that stands is given anew before it runs out", () => {
  const { clock, orders, quiesce } = rig();
  quiesce.want("c1", ["p"]);
  clock.advance(59_999);
  quiesce.want("c1", ["p"]);
  expect(orders).toHaveLength(1);
  clock.advance(1);
  quiesce.want("c1", ["p"]);
  expect(orders).toHaveLength(2);
});

test("a pod that is gone is told nothing", () => {
  const { orders, quiesce } = rig();
  quiesce.want("c1", ["gone"]);
  quiesce.want("c1", []);
  expect(orders).toEqual([]);
});
