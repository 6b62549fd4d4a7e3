/** design/work.md: credit, whose turn it is, what providers are told of what waits. */
import { describe, expect, test } from "vitest";
import { DemandRig, sentTo } from "../../../../support/demand-rig.ts";

describe("credit", () => {
  test("a new session starts at 0", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0");
    rig.add();
    expect(worker.deliveries()).toHaveLength(0);
  });

  test("nothing is sent above it", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 2);
    for (let index = 0; index < 5; index++) rig.add();
    expect(worker.deliveries()).toHaveLength(2);
    worker.credit(1);
    expect(worker.deliveries()).toHaveLength(3);
  });

  test("settling an item is not credit", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 1);
    rig.add();
    rig.add();
    worker.complete();
    expect(worker.deliveries()).toHaveLength(1);
  });

  test("what was not used is taken back, and the answer says what was", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 3);
    rig.add();
    const [answer] = sentTo(worker.credit(-2), worker.link);
    expect(answer).toMatchObject({ case: "creditTaken", value: { revision: 2, delivered: 1n } });
    rig.add();
    expect(worker.deliveries()).toHaveLength(1);
    worker.credit(1);
    expect(worker.deliveries()).toHaveLength(2);
  });

  test("taking back less than was used stops at what was used", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0", 2);
    rig.add();
    rig.add();
    const [answer] = sentTo(worker.credit(-2), worker.link);
    expect(answer).toMatchObject({ case: "creditTaken", value: { delivered: 2n } });
    rig.add();
    worker.credit(2);
    expect(worker.deliveries()).toHaveLength(2);
  });
});

describe("turns", () => {
  test("ready items are spread over the links with credit", () => {
    const rig = new DemandRig();
    const workers = [0, 1, 2].map((index) => rig.provider(`worker-${String(index)}`, 10));
    for (let index = 0; index < 9; index++) rig.add();
    expect(workers.map((worker) => worker.deliveries().length)).toEqual([3, 3, 3]);
  });

  test("many items for one link go out as one message, up to 256", () => {
    const rig = new DemandRig();
    for (let index = 0; index < 300; index++) rig.add();
    const worker = rig.provider("worker-0", 300);
    const batches = worker
      .received()
      .flatMap((kind) => (kind.case === "deliver" ? [kind.value.items.length] : []));
    expect(batches).toEqual([256, 44]);
  });

  test("a message of items closes after 1 MiB", () => {
    const rig = new DemandRig();
    for (let index = 0; index < 4; index++) rig.add({}, new Uint8Array(600_000));
    const worker = rig.provider("worker-0", 4);
    expect(worker.received().filter(({ case: name }) => name === "deliver")).toHaveLength(4);
  });
});

describe("backlog", () => {
  test("is told once to each link without credit", () => {
    const rig = new DemandRig();
    const workers = [rig.provider("worker-0"), rig.provider("worker-1")];
    rig.add();
    rig.add();
    for (const worker of workers) {
      const told = worker.received().filter(({ case: name }) => name === "backlog");
      expect(told).toMatchObject([{ value: { ready: 1 } }]);
    }
  });

  test("is taken back when credit comes and nothing waits", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0");
    const sequence = rig.add();
    rig.cancel(sequence);
    const told = sentTo(worker.credit(1), worker.link);
    expect(told).toMatchObject([{ case: "backlog", value: { ready: 0 } }]);
  });

  test("is told again when items wait again", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0");
    rig.cancel(rig.add());
    worker.credit(1);
    rig.add();
    rig.add();
    expect(worker.received().at(-1)).toMatchObject({ case: "backlog", value: { ready: 1 } });
  });

  test("nobody is told while the demand is paused", () => {
    const rig = new DemandRig();
    const worker = rig.provider("worker-0");
    rig.handle({ type: "pause" });
    rig.add();
    expect(worker.received().some(({ case: name }) => name === "backlog")).toBe(false);
  });
});

test("a delivery carries ticket, attempt, request and trace context", () => {
  const rig = new DemandRig();
  const worker = rig.provider("worker-0", 2);
  const sequence = rig.add({ traceparent: "00-ab-cd-01" }, new Uint8Array([4, 2]));
  expect(worker.deliveries()[0]).toMatchObject({
    lease: { sequence: BigInt(sequence), delivery: 1 },
    ticket: rig.item(sequence).ticket,
    request: new Uint8Array([4, 2]),
    attempt: 1,
    traceparent: "00-ab-cd-01",
  });
  worker.fail(undefined, { delayMs: 0 });
  expect(worker.deliveries()[1]).toMatchObject({ attempt: 2, lease: { delivery: 2 } });
});
