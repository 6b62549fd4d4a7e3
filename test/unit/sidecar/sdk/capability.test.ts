import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type StringValue,
  StringValueSchema as Text,
  UInt32ValueSchema as Count,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { Capability, RejectError, RetryableError } from "../../../../sidecar/sdk/index.ts";
import type { CapabilityFunction, WorkContext } from "../../../../sidecar/sdk/index.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeHost, type FakeCapabilityLink } from "../../../support/fake-work-backend.ts";

function bytes(value: string): Uint8Array {
  return toBinary(Text, create(Text, { value }));
}

function open(work: CapabilityFunction<StringValue, StringValue>, concurrency = 1) {
  const host = new FakeHost();
  const capability = new Capability({ request: Text, response: Text, concurrency }, work, host);
  return { host, capability, link: host.capabilityLinks[0] as FakeCapabilityLink };
}

/** Does one item with a function. @returns the verb that ended it. */
async function ends(work: CapabilityFunction<StringValue, StringValue>, request = bytes("a")) {
  const opened = open(work);
  opened.link.deliver("lease-1", request);
  await eventually(() => expect(opened.link.settled).toHaveLength(1));
  return { ...opened, verb: opened.link.settled[0]?.verb };
}

describe("an attempt ends as", () => {
  test("complete with the encoded result, also of a plain object", async () => {
    const { verb } = await ends(async ({ value }) => ({ value: `${value}!` }));
    expect(verb?.verb).toBe("complete");
    expect(verb?.verb === "complete" && fromBinary(Text, verb.result).value).toBe("a!");
  });

  test("a failed attempt that may be tried again, when anything is thrown", async () => {
    const { verb, host } = await ends(() => {
      throw new TypeError("x is undefined");
    });
    const error = { code: "TypeError", message: "x is undefined", retryable: true, details: "" };
    expect(verb).toEqual({ verb: "fail", error });
    expect(host.warnings).toMatchObject([{ code: "ATTEMPT_FAILED" }]);
  });

  test("a reject, when a RejectError is thrown", async () => {
    const { verb, host } = await ends(() => {
      throw new RejectError("NOT_AN_IMAGE", "It is text.", { details: { head: "hello" } });
    });
    const error = { code: "NOT_AN_IMAGE", message: "It is text.", retryable: false };
    expect(verb).toEqual({ verb: "reject", error: { ...error, details: '{"head":"hello"}' } });
    expect(host.warnings).toEqual([]);
  });

  test("a failed attempt with its delay, when a RetryableError is thrown", async () => {
    const { verb } = await ends(() => {
      throw new RetryableError("BUSY", "Later.", { delayMs: 500 });
    });
    expect(verb).toMatchObject({ verb: "fail", delayMs: 500, error: { code: "BUSY" } });
  });

  test("a failed attempt, when the result does not fit its message", async () => {
    const host = new FakeHost();
    const work = () => ({ value: -1 });
    await using capability = new Capability({ request: Text, response: Count }, work, host);
    const [link] = host.capabilityLinks;
    link?.deliver("lease-1", bytes("a"));
    await eventually(() => expect(link?.settled).toHaveLength(1));
    const error = { retryable: true, message: expect.stringContaining("value") };
    expect(link?.settled[0]?.verb).toMatchObject({ verb: "fail", error });
    expect(capability.name).toBe("string-value");
  });

  test("a reject, when the item is no request message; the function is not called", async () => {
    const { verb } = await ends(
      () => {
        throw new Error("called");
      },
      new Uint8Array([0xff]),
    );
    expect(verb).toMatchObject({ verb: "reject", error: { code: "INVALID_REQUEST" } });
  });

  test("a reject, when the result is refused as too large", async () => {
    const { link } = open(() => ({ value: "a" }));
    link.answer = { ok: false, code: "PAYLOAD_TOO_LARGE", message: "too large" };
    link.deliver("lease-1", bytes("a"));
    await eventually(() => expect(link.settled).toHaveLength(2));
    expect(link.settled[1]?.verb).toMatchObject({
      verb: "reject",
      error: { code: "PAYLOAD_TOO_LARGE" },
    });
  });
});

describe("slots", () => {
  test("ask for as many items as are free, never more", async () => {
    const done = Promise.withResolvers<void>();
    const { link } = open(async (item) => {
      await done.promise;
      return item;
    }, 3);
    await eventually(() => expect(link.credit).toBe(3));
    link.deliver("lease-1", bytes("a"));
    link.deliver("lease-2", bytes("b"));
    await eventually(() => expect(link.credit).toBe(1));
    done.resolve();
    await eventually(() => expect(link.credit).toBe(3));
  });
});

describe("the context", () => {
  test("names ticket, attempt and what remains", async () => {
    const seen: WorkContext[] = [];
    const { link } = open((item, context) => {
      seen.push(context);
      return item;
    });
    link.deliver("lease-1", bytes("a"), { ticket: "t", attempt: 3, deadlineMs: 900 });
    await eventually(() => expect(link.settled).toHaveLength(1));
    expect(seen[0]).toMatchObject({ ticket: "t", attempt: 3, deadlineMs: 900 });
  });

  test("aborts its signal when the lease ends; its error is no failure, only its end is told", async () => {
    const { link, host } = open(async (_item, { signal }) => {
      await new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      });
      return { value: "never" };
    });
    link.deliver("lease-1", bytes("a"));
    await eventually(() => expect(link.credit).toBe(0));
    link.listener.onLeaseEnded("lease-1", "The producer cancelled the item.");
    await eventually(() => expect(link.credit).toBe(1));
    expect(link.settled).toMatchObject([{ lease: "lease-1", verb: { verb: "release" } }]);
    expect(host.warnings).toEqual([]);
  });

  test("frees the node's slot of an ended lease only once the function has ended", async () => {
    const done = Promise.withResolvers<StringValue>();
    const { link } = open(() => done.promise);
    link.deliver("lease-1", bytes("a"));
    await eventually(() => expect(link.credit).toBe(0));
    link.listener.onLeaseEnded("lease-1", "The producer cancelled the item.");
    await new Promise(setImmediate);
    expect([link.settled, link.credit]).toEqual([[], 0]);
    link.answer = { ok: false, code: "STALE_LEASE", message: "The lease has ended." };
    done.reject(new RejectError("STOPPED", "Told to."));
    await eventually(() => expect(link.credit).toBe(1));
    expect(link.settled).toMatchObject([{ lease: "lease-1", verb: { verb: "release" } }]);
  });

  test("frees the slot too after a heartbeat was answered with cancelled", async () => {
    const { link } = open(async (_item, { heartbeat, signal }) => {
      await heartbeat();
      throw signal.reason;
    });
    link.answer = { ok: true, cancelled: true };
    link.deliver("lease-1", bytes("a"));
    await eventually(() => expect(link.settled).toHaveLength(2));
    expect(link.settled.map(({ verb }) => verb.verb)).toEqual(["heartbeat", "release"]);
  });

  test("still tells a result after the lease ended: the queue may take it", async () => {
    const done = Promise.withResolvers<void>();
    const { link } = open(async (item) => {
      await done.promise;
      return item;
    });
    link.deliver("lease-1", bytes("a"));
    await eventually(() => expect(link.credit).toBe(0));
    link.listener.onLeaseEnded("lease-1", "lost");
    done.resolve();
    await eventually(() => expect(link.settled).toMatchObject([{ verb: { verb: "complete" } }]));
  });

  test("aborts its signal when a heartbeat is answered with cancelled", async () => {
    const { link } = open(async (_item, { signal, heartbeat }) => {
      await heartbeat("half");
      return { value: String(signal.aborted) };
    });
    link.answer = { ok: true, cancelled: true };
    link.deliver("lease-1", bytes("a"));
    await eventually(() => expect(link.settled).toHaveLength(2));
    const [heartbeat, complete] = link.settled.map(({ verb }) => verb);
    expect(heartbeat).toEqual({ verb: "heartbeat", progress: "half" });
    expect(complete?.verb === "complete" && fromBinary(Text, complete.result).value).toBe("true");
  });
});

describe("close", () => {
  test("takes nothing more and lets what runs finish", async () => {
    const done = Promise.withResolvers<void>();
    const { capability, link, host } = open(async (item) => {
      await done.promise;
      return item;
    });
    link.deliver("lease-1", bytes("a"));
    await eventually(() => expect(link.credit).toBe(0));
    const closing = capability.close();
    done.resolve();
    await closing;
    expect(link.settled).toMatchObject([{ verb: { verb: "complete" } }]);
    expect([link.closed, link.credit, host.holdCount]).toEqual([true, 0, 0]);
  });

  test("gives back after the grace what still runs, aborting its signal", async () => {
    let aborted = false;
    const { capability, link } = open((_item, { signal }) => {
      signal.addEventListener("abort", () => (aborted = true));
      return new Promise(() => undefined);
    });
    link.deliver("lease-1", bytes("a"));
    await eventually(() => expect(link.credit).toBe(0));
    await capability.close({ graceMs: 10 });
    expect(link.settled).toMatchObject([{ lease: "lease-1", verb: { verb: "release" } }]);
    expect(aborted).toBe(true);
  });
});
