import { fromBinary, toBinary, create } from "@bufbuild/protobuf";
import {
  type StringValue,
  StringValueSchema as Text,
  UInt32ValueSchema as Count,
} from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, expectTypeOf, test } from "vitest";
import { Demand, type Outcome } from "../../../../sidecar/sdk/index.ts";
import type { WorkItemOptions } from "../../../../sidecar/sdk/demand.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeHost, type FakeDemandLink } from "../../../support/fake-work-backend.ts";

function bytes(value: string): Uint8Array {
  return toBinary(Text, create(Text, { value }));
}

function result(value: string, run = 1) {
  return { run, kind: "result", result: { encoding: "binary", bytes: bytes(value) } } as const;
}

function openDemand(host = new FakeHost()) {
  const demand = new Demand<StringValue, StringValue>({ request: Text, response: Text }, host);
  const told: { item: string; outcome: Outcome<StringValue>; ticket: string | undefined }[] = [];
  demand.handler(async (item, outcome, { ticket }) => {
    told.push({ item: item.value, outcome, ticket });
  });
  return { host, demand, told };
}

function announced() {
  const opened = openDemand();
  opened.demand.announce();
  const [link] = opened.host.demandLinks;
  return { ...opened, link: link as FakeDemandLink };
}

/** Rejections that nobody handled; Node would end the process for each. */
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => {
  unhandled.push(reason);
};
beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", onUnhandled);
});
afterEach(async () => {
  // Node tells of them after the microtasks of a turn.
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", onUnhandled);
  expect(unhandled).toEqual([]);
});

describe("the ticket", () => {
  test("is there at once and is not thenable", async () => {
    const { demand } = announced();
    const ticket = demand.addWorkItem({ value: "a" });
    expect("then" in ticket).toBe(false);
    expect(await Promise.resolve(ticket)).toBe(ticket);
    expect(await ticket.id).toBe("ticket-1");
  });

  test("gives the outcome with its type", async () => {
    const { demand, link } = announced();
    const ticket = demand.addWorkItem({ value: "a" });
    link.tell(await ticket.id, result("A"));
    const outcome = await ticket.outcome;
    expectTypeOf(outcome).toEqualTypeOf<Outcome<StringValue>>();
    expect(outcome).toMatchObject({ kind: "result", run: 1, result: { value: "A" } });
  });

  test("of a refused item rejects its id; outcome and handler get the refusal", async () => {
    const { demand, link, told } = announced();
    link.autoAnswer = false;
    const ticket = demand.addWorkItem({ value: "a" });
    await eventually(() => expect(link.adds).toHaveLength(1));
    const refusal = { code: "QUEUE_FULL", message: "10000 items wait; add fewer." };
    link.adds[0]?.answer({ ok: false, refusal });
    expect(await ticket.outcome).toEqual({ run: 0, kind: "system", system: refusal });
    await expect(ticket.id).rejects.toMatchObject({ code: "ITEM_REFUSED", refusal });
    expect(told).toMatchObject([{ item: "a", ticket: undefined, outcome: { kind: "system" } }]);
  });

  test("of an item that its message cannot hold is refused as INVALID_PAYLOAD", async () => {
    const host = new FakeHost();
    const demand = new Demand({ request: Count, response: Text }, host);
    demand.announce();
    const ticket = demand.addWorkItem({ value: -1 });
    expect(await ticket.outcome).toMatchObject({ system: { code: "INVALID_PAYLOAD" } });
    expect(host.demandLinks[0]?.adds).toHaveLength(0);
  });

  test("that is cancelled before it was handed over is CANCELLED", async () => {
    const { demand, host } = openDemand();
    const ticket = demand.addWorkItem({ value: "a" });
    ticket.cancel();
    expect(await ticket.outcome).toMatchObject({ system: { code: "CANCELLED" } });
    demand.announce();
    expect(host.demandLinks[0]?.adds).toHaveLength(0);
  });

  test("that is cancelled later asks the queue, whose outcome decides", async () => {
    const { demand, link } = announced();
    const ticket = demand.addWorkItem({ value: "a" });
    const id = await ticket.id;
    ticket.cancel();
    await eventually(() => expect(link.cancelled).toEqual([id]));
    link.tell(id, result("too late"));
    expect(await ticket.outcome).toMatchObject({ result: { value: "too late" } });
  });
});

describe("items", () => {
  test("wait for announce, then go out encoded, with their options", async () => {
    const { demand, host } = openDemand();
    const options: WorkItemOptions = { priority: 9, idempotencyKey: "k" };
    const ticket = demand.addWorkItem({ value: "a" }, options);
    demand.announce();
    await ticket.id;
    const [add] = host.demandLinks[0]?.adds ?? [];
    expect(fromBinary(Text, add?.request ?? new Uint8Array()).value).toBe("a");
    expect(add?.options).toEqual(options);
  });

  test("of one ordering key are handed over one after the other", async () => {
    const { demand, link } = announced();
    link.autoAnswer = false;
    demand.addWorkItem({ value: "a1" }, { orderingKey: "a" });
    demand.addWorkItem({ value: "a2" }, { orderingKey: "a" });
    demand.addWorkItem({ value: "b1" }, { orderingKey: "b" });
    const values = () => link.adds.map(({ request }) => fromBinary(Text, request).value);
    await eventually(() => expect(values()).toEqual(["a1", "b1"]));
    link.adds[0]?.answer({ ok: true, ticket: "t" });
    await eventually(() => expect(values()).toEqual(["a1", "b1", "a2"]));
  });

  test("beyond the local bound are refused, not kept", async () => {
    const host = new FakeHost();
    const queue = { maxItems: 2 };
    const demand = new Demand({ request: Text, response: Text, queue }, host);
    const tickets = ["a", "b", "c", "d"].map((value) => demand.addWorkItem({ value }));
    expect(await tickets.at(-1)?.outcome).toMatchObject({ system: { code: "QUEUE_FULL" } });
    demand.announce();
    expect(await tickets[0]?.id).toBe("ticket-1");
  });
});

describe("the handler", () => {
  test("sees each outcome once, though it is told twice", async () => {
    const { demand, link, told } = announced();
    const ticket = demand.addWorkItem({ value: "a" });
    const id = await ticket.id;
    link.tell(id, result("A"));
    link.tell(id, result("A"));
    await ticket.outcome;
    expect(told).toMatchObject([{ item: "a", ticket: id }]);
  });

  test("sees an outcome that came before the add was answered", async () => {
    const { demand, link, told } = announced();
    link.autoAnswer = false;
    const ticket = demand.addWorkItem({ value: "a" });
    await eventually(() => expect(link.adds).toHaveLength(1));
    link.tell("early", result("A"));
    link.adds[0]?.answer({ ok: true, ticket: "early" });
    expect(await ticket.outcome).toMatchObject({ result: { value: "A" } });
    expect(told).toHaveLength(1);
  });

  test("sees one item once, though two calls with one idempotency key share it", async () => {
    const { demand, link, told } = announced();
    link.autoAnswer = false;
    const tickets = [1, 2].map(() => demand.addWorkItem({ value: "a" }, { idempotencyKey: "k" }));
    await eventually(() => expect(link.adds).toHaveLength(2));
    link.adds.forEach(({ answer }) => answer({ ok: true, ticket: "same" }));
    await Promise.all(tickets.map(({ id }) => id));
    link.tell("same", result("A"));
    await Promise.all(tickets.map(({ outcome }) => outcome));
    expect(told).toHaveLength(1);
  });

  test("that throws becomes a warning; the ticket has its outcome", async () => {
    const { demand, host, link } = announced();
    demand.handler(() => {
      throw new Error("broken handler");
    });
    const ticket = demand.addWorkItem({ value: "a" });
    link.tell(await ticket.id, result("A"));
    expect(await ticket.outcome).toMatchObject({ kind: "result" });
    await eventually(() => expect(host.warnings).toMatchObject([{ code: "HANDLER_FAILED" }]));
  });

  test("gets an application error with its details", async () => {
    const { demand, link } = announced();
    const ticket = demand.addWorkItem({ value: "a" });
    const error = { code: "NO", message: "no", retryable: false, details: '{"why":1}' };
    link.tell(await ticket.id, { run: 1, kind: "error", error, provider: "node-b" });
    expect(await ticket.outcome).toEqual({
      run: 1,
      provider: "node-b",
      kind: "error",
      error: { ...error, details: { why: 1 } },
    });
  });

  test("gets INVALID_RESULT for bytes that are no response message", async () => {
    const { demand, link } = announced();
    const ticket = demand.addWorkItem({ value: "a" });
    const bad = { encoding: "binary", bytes: new Uint8Array([0xff]) } as const;
    link.tell(await ticket.id, { run: 1, kind: "result", result: bad });
    expect(await ticket.outcome).toMatchObject({ system: { code: "INVALID_RESULT" } });
  });
});

describe("close", () => {
  test("waits for open outcomes and their handlers, then lets the backend go", async () => {
    const { demand, host, link } = announced();
    const handled = Promise.withResolvers<void>();
    demand.handler(() => handled.promise);
    const ticket = demand.addWorkItem({ value: "a" });
    const id = await ticket.id;
    const closing = demand.close();
    expect(await demand.addWorkItem({ value: "late" }).outcome).toMatchObject({
      system: { code: "DEMAND_CLOSED" },
    });
    link.tell(id, result("A"));
    await ticket.outcome;
    expect(link.closed).toBe(false);
    handled.resolve();
    await closing;
    expect([link.closed, host.holdCount]).toEqual([true, 0]);
  });

  test("ends as DEMAND_CLOSED what is open after the grace, also adds", async () => {
    const { demand, link, told } = announced();
    const open = demand.addWorkItem({ value: "open" });
    await open.id;
    link.autoAnswer = false;
    const adding = demand.addWorkItem({ value: "adding" });
    await eventually(() => expect(link.adds).toHaveLength(2));
    await demand.close({ graceMs: 0 });
    const closed = { kind: "system", system: { code: "DEMAND_CLOSED" } };
    expect(await open.outcome).toMatchObject(closed);
    expect(await adding.outcome).toMatchObject(closed);
    expect(told.map(({ item }) => item).sort()).toEqual(["adding", "open"]);
  });

  test("before announce ends waiting items and rejects `announced`", async () => {
    const { demand } = openDemand();
    const ticket = demand.addWorkItem({ value: "a" });
    await demand.close();
    expect(await ticket.outcome).toMatchObject({ system: { code: "DEMAND_CLOSED" } });
    await expect(demand.announced).rejects.toMatchObject({ code: "CLOSED" });
  });

  test("is what `await using` does", async () => {
    const host = new FakeHost();
    {
      await using demand = new Demand({ request: Text, response: Text }, host);
      demand.announce();
    }
    expect(host.demandLinks[0]?.closed).toBe(true);
  });

  test("refuses a grace outside its bounds", () => {
    const { demand } = openDemand();
    expect(() => demand.close({ graceMs: -1 })).toThrow(/graceMs -1/);
  });
});
