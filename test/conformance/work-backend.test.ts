/** What a program of the SDK may rely on, whichever backend carries its work. */
import { join } from "node:path";
import { type StringValue, StringValueSchema as Text } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Capability, Demand, RejectError, RetryableError } from "../../sidecar/sdk/index.ts";
import type { CapabilityFunction } from "../../sidecar/sdk/index.ts";
import { eventually } from "../support/eventually.ts";
import type { MemoryNode } from "../support/memory-node.ts";
import {
  embeddedHost,
  sidecarHost,
  type TestHost,
  TestSidecar,
  textNode,
} from "../support/sdk-host.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface Rig {
  readonly host: TestHost;
  readonly end: () => Promise<void>;
}

const backends: Readonly<Record<string, (node: MemoryNode) => Promise<Rig>>> = {
  "through a sidecar's socket": async (node) => {
    const sidecar = new TestSidecar(join(temporaryFolder(), "app.sock"));
    await sidecar.start(node);
    return { host: sidecarHost(sidecar.socketPath), end: () => sidecar.stop() };
  },
  "on a node of its own process": async (node) => ({
    host: embeddedHost(node),
    end: async () => undefined,
  }),
};

describe.each(Object.keys(backends))("a program %s", (name) => {
  let node: MemoryNode;
  let rig: Rig;
  const closing: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    node = textNode();
    const open = backends[name];
    if (open === undefined) throw new Error(name);
    rig = await open(node);
  });
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((close) => close()));
    await rig.host.close();
    await rig.end();
  });

  function demand(over: { readonly name?: string } = {}) {
    const made = new Demand({ name: "texts", request: Text, response: Text, ...over }, rig.host);
    closing.push(() => made.close({ graceMs: 0 }));
    made.announce();
    return made;
  }

  function capability(work: CapabilityFunction<StringValue, StringValue>, concurrency = 1) {
    const options = { name: "texts", request: Text, response: Text, concurrency };
    const made = new Capability(options, work, rig.host);
    closing.push(() => made.close({ graceMs: 0 }));
    return made;
  }

  test("gets the result of its item, and who made it", async () => {
    capability(({ value }) => ({ value: `${value}!` }));
    const { outcome } = demand().addWorkItem({ value: "a" });
    expect(await outcome).toMatchObject({
      kind: "result",
      run: 1,
      result: { value: "a!" },
      provider: "worker-0",
    });
  });

  test("carries empty messages and large ones", async () => {
    capability((item) => item);
    const queue = demand();
    const large = "x".repeat(12 * 2 ** 20);
    const outcomes = ["", large].map((value) => queue.addWorkItem({ value }).outcome);
    const values = (await Promise.all(outcomes)).map((outcome) =>
      outcome.kind === "result" ? outcome.result.value.length : outcome,
    );
    expect(values).toEqual([0, large.length]);
  });

  test("gets 200 outcomes for 200 items, each once", async () => {
    capability(({ value }) => ({ value }), 8);
    const told: string[] = [];
    const queue = demand().handler(({ value }) => void told.push(value));
    const values = Array.from({ length: 200 }, (_, index) => String(index));
    const outcomes = await Promise.all(values.map((value) => queue.addWorkItem({ value }).outcome));
    expect(outcomes.every(({ kind }) => kind === "result")).toBe(true);
    expect(told.sort()).toEqual(values.sort());
  });

  test("gets a RejectError as an application error, with its details", async () => {
    capability(() => {
      throw new RejectError("NO", "Never.", { details: { field: "value" } });
    });
    const error = { code: "NO", message: "Never.", retryable: false, details: { field: "value" } };
    expect(await demand().addWorkItem({ value: "a" }).outcome).toMatchObject({
      kind: "error",
      error,
    });
  });

  test("gets an error cut to its bounds, whatever was thrown", async () => {
    const message = `${"m".repeat(4_095)}😀`;
    capability((_item, { attempt }) => {
      const details = "d".repeat(20_000);
      if (attempt === 1) throw Object.assign(new Error(message), { code: "C".repeat(100) });
      throw new RejectError("N".repeat(100), message, { details });
    });
    const outcome = await demand().addWorkItem({ value: "a" }).outcome;
    const unexpected = node.settled[0]?.verb;
    expect(unexpected).toEqual({
      verb: "fail",
      error: {
        code: "C".repeat(64),
        message: `${"m".repeat(4_095)}\ufffd`,
        retryable: true,
        details: "",
      },
    });
    const note = " (Details were left out: 20002 bytes, at most 16384.)";
    const error = { code: "N".repeat(64), message: expect.stringContaining(`mm${note}`) };
    expect(outcome).toMatchObject({ kind: "error", error: { ...error, retryable: false } });
    expect(outcome.kind === "error" && outcome.error.message).toHaveLength(4_096);
  });

  test("sees a failed attempt tried again", async () => {
    capability((item, { attempt }) => {
      if (attempt < 3) throw new RetryableError("NOT_YET", "Again.");
      return item;
    });
    const { outcome } = demand().addWorkItem({ value: "a" });
    expect(await outcome).toMatchObject({ kind: "result" });
  });

  test("hands the options of an item over", async () => {
    const options = {
      priority: 9,
      delayMs: 10,
      deadlineMs: 60_000,
      fairnessKey: "f",
      orderingKey: "o",
      idempotencyKey: "i",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    };
    const ticket = await demand().addWorkItem({ value: "a" }, options).id;
    expect(node.optionsOf(ticket)).toMatchObject(options);
  });

  test("gives the function what remains of the deadline, and the trace", async () => {
    const seen: unknown[] = [];
    capability((item, { deadlineMs, traceparent, ticket }) => {
      seen.push({ deadlineMs, traceparent, ticket });
      return item;
    });
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const ticket = demand().addWorkItem({ value: "a" }, { deadlineMs: 60_000, traceparent });
    await ticket.outcome;
    expect(seen).toEqual([{ deadlineMs: 60_000, traceparent, ticket: await ticket.id }]);
  });

  test("aborts the function's signal when the producer cancels", async () => {
    const aborted = Promise.withResolvers<string>();
    capability(async (item, { signal }) => {
      signal.addEventListener("abort", () => aborted.resolve(String(signal.reason)));
      await aborted.promise;
      return item;
    });
    const ticket = demand().addWorkItem({ value: "a" });
    await eventually(() => expect(node.listenedLeases).toBe(1));
    ticket.cancel();
    expect(await ticket.outcome).toMatchObject({ system: { code: "CANCELLED" } });
    expect(await aborted.promise).toContain("cancelled");
  });

  test("works on the next item at once when the one in its only slot is cancelled", async () => {
    node.slots = 1;
    const begun: string[] = [];
    capability(async (item, { signal }) => {
      begun.push(item.value);
      if (item.value === "a") {
        await new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error));
        });
      }
      return item;
    });
    const queue = demand();
    const first = queue.addWorkItem({ value: "a" });
    await eventually(() => expect(begun).toEqual(["a"]));
    const second = queue.addWorkItem({ value: "b" });
    await second.id;
    first.cancel();
    expect(await second.outcome).toMatchObject({ kind: "result", result: { value: "b" } });
    expect(await first.outcome).toMatchObject({ system: { code: "CANCELLED" } });
    expect(node.settled.map(({ verb }) => verb.verb)).toEqual(["release", "complete"]);
  });

  test("gets the outcome of an item that another object added with the same key", async () => {
    const options = { idempotencyKey: "order-1" };
    const first = demand().addWorkItem({ value: "a" }, options);
    const firstId = await first.id;
    const othersHost = name.includes("socket") ? rig.host : embeddedHost(node);
    const other = new Demand({ name: "texts", request: Text, response: Text }, othersHost);
    closing.push(() => other.close({ graceMs: 0 }));
    other.announce();
    const second = other.addWorkItem({ value: "a" }, options);
    expect(await second.id).toBe(firstId);
    capability((item) => item);
    expect(await first.outcome).toMatchObject({ kind: "result" });
    expect(await second.outcome).toMatchObject({ kind: "result" });
    const third = other.addWorkItem({ value: "a" }, options);
    expect(await third.outcome).toMatchObject({ kind: "result" });
  });

  test("is refused what the queue refuses, with the queue's code", async () => {
    node.maxItems = 0;
    const { outcome } = demand().addWorkItem({ value: "a" });
    expect(await outcome).toMatchObject({ run: 0, system: { code: "QUEUE_FULL" } });
  });

  test("goes on pulling after its pulls were refused for a while", async () => {
    const pull = node.pull.bind(node);
    let refusals = 0;
    node.pull = async (...args) => {
      if (refusals === 3) return pull(...args);
      refusals += 1;
      return { ok: false, refusal: { code: "TOO_MANY_WAITERS", detail: "Pull less often." } };
    };
    capability((item) => item);
    expect(await demand().addWorkItem({ value: "a" }).outcome).toMatchObject({ kind: "result" });
    expect(refusals).toBe(3);
  });

  test("that closes a Capability gives its item back unharmed", async () => {
    const never = capability(() => new Promise(() => undefined));
    const { outcome } = demand().addWorkItem({ value: "a" });
    await eventually(() => expect(node.listenedLeases).toBe(1));
    await never.close({ graceMs: 0 });
    capability((item, { attempt }) => ({ value: `${item.value}${attempt}` }));
    expect(await outcome).toMatchObject({ result: { value: "a1" } });
  });
});
