/** A sidecar that goes away and comes back under a running program. */
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import {
  type StringValue,
  StringValueSchema as Text,
  UInt32ValueSchema as Count,
} from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Capability, Demand } from "../../../sidecar/sdk/index.ts";
import type { CapabilityFunction } from "../../../sidecar/sdk/index.ts";
import { eventually } from "../../support/eventually.ts";
import { sidecarHost, type TestHost, TestSidecar, textNode } from "../../support/sdk-host.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const contract = { name: "texts", request: Text, response: Text } as const;
let sidecar: TestSidecar;
let host: TestHost;
const closing: (() => Promise<void>)[] = [];

beforeEach(() => {
  sidecar = new TestSidecar(join(temporaryFolder(), "app.sock"));
  host = sidecarHost(sidecar.socketPath);
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
  await host.close();
  await sidecar.stop();
});

function demand(on = host) {
  const made = new Demand(contract, on);
  closing.push(() => made.close({ graceMs: 0 }));
  made.announce();
  return made;
}

function capability(work: CapabilityFunction<StringValue, StringValue>) {
  const made = new Capability(contract, work, host);
  closing.push(() => made.close({ graceMs: 0 }));
  return made;
}

describe("a Demand", () => {
  test("waits for its sidecar, then hands over what was added before", async () => {
    const node = textNode();
    const queue = demand();
    const ticket = queue.addWorkItem({ value: "early" });
    await sidecar.start(node);
    expect(await ticket.id).toBe("t1");
    await queue.announced;
  });

  test("tells QUEUE_LOST when the queue went with the sidecar, and goes on", async () => {
    await sidecar.start(textNode());
    const queue = demand();
    const lost = queue.addWorkItem({ value: "a" });
    await lost.id;
    await sidecar.stop();
    await sidecar.start(textNode());
    expect(await lost.outcome).toMatchObject({ kind: "system", system: { code: "QUEUE_LOST" } });
    expect(await queue.addWorkItem({ value: "b" }).id).toBe("t1");
    expect(host.warnings.map(({ code }) => code)).toContain("SIDECAR_UNREACHABLE");
  });

  test("gets the outcome that came while it was cut off", async () => {
    const node = textNode();
    await sidecar.start(node);
    const ticket = demand().addWorkItem({ value: "a" });
    const id = await ticket.id;
    await sidecar.stop();
    await node.cancel(id);
    await sidecar.start(node);
    expect(await ticket.outcome).toMatchObject({ system: { code: "CANCELLED" } });
  });

  test("is refused by a sidecar that does not know it, until it does", async () => {
    await sidecar.start(textNode());
    const stranger = new Demand({ ...contract, name: "others" }, host);
    closing.push(() => stranger.close({ graceMs: 0 }));
    stranger.announce();
    const { outcome } = stranger.addWorkItem({ value: "a" });
    expect(await outcome).toMatchObject({ system: { code: "UNKNOWN_DEMAND" } });
    expect(host.warnings).toMatchObject([{ code: "REFUSED" }]);
  });

  test("is refused when the sidecar's demand carries other messages", async () => {
    await sidecar.start(textNode());
    const other = new Demand({ name: "texts", request: Count, response: Text }, host);
    closing.push(() => other.close({ graceMs: 0 }));
    other.announce();
    const outcome = await other.addWorkItem({ value: 1 }).outcome;
    expect(outcome).toMatchObject({ system: { code: "CONTRACT_MISMATCH" } });
  });

  test("waits while the sidecar has no configuration", async () => {
    const node = textNode();
    let questions = 0;
    Object.defineProperty(node, "configured", { get: () => (questions += 1) > 3 });
    await sidecar.start(node);
    expect(await demand().addWorkItem({ value: "a" }).id).toBe("t1");
  });

  test("refuses options that HTTP cannot carry, without a call", async () => {
    await sidecar.start(textNode());
    const { outcome } = demand().addWorkItem({ value: "a" }, { fairnessKey: "a\nb" });
    expect(await outcome).toMatchObject({ system: { code: "INVALID_ARGUMENT" } });
  });
});

describe("an add whose connection is cut", () => {
  /** Passes connections on; the answer to the first add is swallowed and its connection cut. */
  function cuttingProxy(target: string, path: string): { server: Server; cuts: () => number } {
    let cuts = 0;
    const server = createServer((client: Socket) => {
      const upstream = createConnection(target);
      let isAdd = false;
      client.on("data", (chunk: Buffer) => {
        isAdd ||= chunk.includes("/items");
        upstream.write(chunk);
      });
      upstream.on("data", (chunk: Buffer) => {
        if (isAdd && cuts === 0) {
          cuts += 1;
          client.destroy();
          return;
        }
        client.write(chunk);
      });
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        one.on("close", () => other.destroy());
        one.on("error", () => other.destroy());
      }
    });
    server.listen(path);
    return { server, cuts: () => cuts };
  }

  test("after the item was taken is repeated and adds nothing twice", async () => {
    const node = textNode();
    await sidecar.start(node);
    const path = `${sidecar.socketPath}-proxy`;
    const { server, cuts } = cuttingProxy(sidecar.socketPath, path);
    const proxied = sidecarHost(path);
    const queue = demand(proxied);
    const ticket = queue.addWorkItem({ value: "a" });
    expect(await ticket.id).toBe("t1");
    expect(cuts()).toBe(1);
    expect(node.demands()[0]?.counts).toMatchObject({ ready: 1 });
    await queue.close({ graceMs: 0 });
    await proxied.close();
    server.close();
  });
});

describe("a Capability", () => {
  test("aborts its work when the sidecar is gone, and works for the next one", async () => {
    const first = textNode();
    await sidecar.start(first);
    const aborted = Promise.withResolvers<void>();
    capability(async (item, { signal }) => {
      if (item.value === "long") {
        signal.addEventListener("abort", () => aborted.resolve());
        await aborted.promise;
        throw new Error("stopped");
      }
      return item;
    });
    await first.add("texts", textBytes("long"), {});
    await eventually(() => expect(first.listenedLeases).toBe(1));
    await sidecar.stop();
    await aborted.promise;
    const second = textNode();
    await sidecar.start(second);
    await second.add("texts", textBytes("short"), {});
    await eventually(() => expect(second.demands()[0]?.counts.done).toBe(1));
    expect(host.warnings.map(({ code }) => code)).toEqual(["SIDECAR_UNREACHABLE"]);
  });

  test("asks again when its name is unknown, and says so once", async () => {
    await sidecar.start(textNode());
    const stranger = new Capability({ ...contract, name: "others" }, (item) => item, host);
    closing.push(() => stranger.close({ graceMs: 0 }));
    await eventually(() => expect(host.warnings).toMatchObject([{ code: "REFUSED" }]));
  });

  test("closes at once while the sidecar is away", async () => {
    const made = capability((item) => item);
    await made.close();
  });
});

/** A StringValue: field 1, length-delimited, short. */
function textBytes(value: string): Uint8Array {
  return Buffer.concat([Buffer.from([0x0a, value.length]), Buffer.from(value)]);
}
