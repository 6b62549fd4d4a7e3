import { createSocket } from "node:dgram";
import { describe, expect, onTestFinished, test } from "vitest";
import { MulticastError } from "../../../../sidecar/multicast/multicast-error.ts";
import type { MulticastPath } from "../../../../sidecar/multicast/multicast-path.ts";
import {
  type MulticastFailure,
  MulticastSockets,
} from "../../../../sidecar/multicast/multicast-sockets.ts";
import { eventually } from "../../../support/eventually.ts";
import { randomPort } from "../../../support/multicast-rig.ts";

const group = { family: 4, address: "239.255.77.77" } as const;
const loopback: MulticastPath = {
  interfaceName: "lo",
  family: 4,
  localAddress: "127.0.0.1",
  interfaceAddress: "127.0.0.1",
};
/** An address that no interface of a machine has (TEST-NET-1, RFC 5737). */
const absent: MulticastPath = {
  interfaceName: "gone0",
  family: 4,
  localAddress: "192.0.2.7",
  interfaceAddress: "192.0.2.7",
};

function open(port = randomPort()) {
  const packets: string[] = [];
  const failures: MulticastFailure[] = [];
  let sentCount = 0;
  const sockets = new MulticastSockets([group], port, {
    packet: (bytes, from) => packets.push(`${Buffer.from(bytes).toString()} from ${from}`),
    sent: () => {
      sentCount += 1;
    },
    failed: (failure) => failures.push(failure),
  });
  onTestFinished(() => {
    sockets.close();
  });
  return { port, sockets, packets, failures, sentCount: () => sentCount };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("multicast sockets", () => {
  test("a packet reaches every member, the sender included", async () => {
    const a = open();
    const b = open(a.port);
    expect(await a.sockets.use([loopback])).toBe(true);
    await b.sockets.use([loopback]);
    await a.sockets.send(bytes("hello"));
    const heard = ["hello from 127.0.0.1"];
    await eventually(() => expect(a.packets).toEqual(heard));
    await eventually(() => expect(b.packets).toEqual(heard));
    expect(a.sentCount()).toBe(1);
    expect(a.failures).toEqual([]);
  });

  test("the same paths again change nothing, and joining twice is no failure", async () => {
    const { sockets, failures } = open();
    await sockets.use([loopback]);
    expect(await sockets.use([loopback])).toBe(false);
    expect(failures).toEqual([]);
    expect(sockets.paths()).toEqual([loopback]);
  });

  test("a path that is gone is closed; when it comes back it works again", async () => {
    const { sockets, packets } = open();
    await sockets.use([loopback]);
    expect(await sockets.use([])).toBe(true);
    await sockets.send(bytes("lost"));
    expect(await sockets.use([loopback])).toBe(true);
    await sockets.send(bytes("found"));
    await eventually(() => expect(packets).toEqual(["found from 127.0.0.1"]));
  });

  test("an absent interface fails by name and code, and leaves the others alone", async () => {
    const { sockets, failures, packets } = open();
    await sockets.use([absent, loopback]);
    expect(failures).toMatchObject([
      { operation: "join", code: "ENODEV", interfaceName: "gone0" },
      { operation: "bind", code: "EADDRNOTAVAIL", interfaceName: "gone0" },
    ]);
    expect(sockets.paths()).toEqual([loopback]);
    await sockets.send(bytes("still"));
    await eventually(() => expect(packets).toHaveLength(1));
  });

  test("a packet that the system refuses is a failure, not an end", async () => {
    const { sockets, failures, packets } = open();
    await sockets.use([loopback]);
    await sockets.send(new Uint8Array(70_000));
    expect(failures).toMatchObject([{ operation: "send", code: "EMSGSIZE", interfaceName: "lo" }]);
    await sockets.send(bytes("after"));
    await eventually(() => expect(packets).toHaveLength(1));
  });

  test("a flood waits in bounds: what is beyond them is refused as QUEUE_FULL", async () => {
    const { sockets, failures, sentCount } = open();
    await sockets.use([loopback]);
    await Promise.all(Array.from({ length: 2_000 }, () => sockets.send(bytes("flood"))));
    const dropped = failures.filter((failure) => failure.code === "QUEUE_FULL").length;
    expect(dropped).toBe(failures.length);
    expect(dropped + sentCount()).toBe(2_000);
  });

  test("a port that another program holds is BIND_FAILED, naming group and port", async () => {
    const { port, sockets } = open();
    const holder = createSocket("udp4");
    onTestFinished(() => {
      holder.close();
    });
    await new Promise<void>((resolve) => holder.bind(port, group.address, resolve));
    const error = await sockets.use([loopback]).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(MulticastError);
    expect(error).toMatchObject({
      code: "BIND_FAILED",
      message: `multicast 239.255.77.77 port ${port}: EADDRINUSE`,
    });
  });

  test("after close nothing is sent, heard or thrown", async () => {
    const a = open();
    const b = open(a.port);
    await a.sockets.use([loopback]);
    await b.sockets.use([loopback]);
    a.sockets.close();
    a.sockets.close();
    await a.sockets.send(bytes("late"));
    await b.sockets.send(bytes("hello"));
    await eventually(() => expect(b.packets).toHaveLength(1));
    expect(a.packets).toEqual([]);
    expect(a.sockets.paths()).toEqual([]);
  });

  test("closing while paths are being opened leaves none open", async () => {
    const { sockets } = open();
    const opening = sockets.use([loopback]);
    sockets.close();
    await opening;
    expect(sockets.paths()).toEqual([]);
  });
});
