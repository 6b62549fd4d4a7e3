import { describe, expect, test } from "vitest";
import { type Carrier, MemoryNetwork } from "../../../../../sidecar/transport/index.ts";
import { FakeTime } from "../../../../support/fake-time.ts";

const name = { clusterId: "c", namespace: "n" };

async function connected(delayMs?: (from: string, to: string) => number, headerRoomBytes = 0) {
  const time = new FakeTime();
  const options = delayMs === undefined ? {} : { delayMs };
  const network = new MemoryNetwork({ timers: time, headerRoomBytes, ...options });
  const accepted: Carrier[] = [];
  const listener = await network
    .factoryOf({ ...name, nodeId: "b" })
    .listen({ host: "m", port: 0 }, (carrier) => accepted.push(carrier));
  const dial = network
    .factoryOf({ ...name, nodeId: "a" })
    .dial({ nodeId: "b", ...listener.address }, new AbortController().signal);
  await time.elapse(1_000);
  const dialled = await dial;
  const [acceptor] = accepted;
  if (acceptor === undefined) throw new Error("nobody accepted");
  const got: number[] = [];
  acceptor.onLane((lane) => lane.onBytes((chunk) => got.push(...chunk)));
  return { time, network, dialled, acceptor, got, lane: dialled.openLane() };
}

describe("MemoryNetwork", () => {
  test("bytes arrive in order even when later ones would travel faster", async () => {
    const delays = [50, 1, 30, 0];
    let next = 0;
    const { time, got, lane } = await connected(() => delays[next++ % delays.length] ?? 0);
    for (let i = 0; i < 8; i++) lane.write(Uint8Array.of(i));
    await time.elapse(200);
    expect(got).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test("what is written while the way is cut off arrives after it is healed", async () => {
    const { time, network, got, lane } = await connected();
    network.halfOpen("a", "b");
    lane.write(Uint8Array.of(1));
    await time.elapse(100);
    expect(got).toEqual([]);
    network.heal("a", "b");
    expect(got).toEqual([1]);
  });

  test("one way can be cut off alone", async () => {
    const { time, network, got, lane, acceptor } = await connected();
    const closes: string[] = [];
    acceptor.onClose(({ reason }) => closes.push(reason));
    network.halfOpen("b", "a", { oneWay: true });
    lane.write(Uint8Array.of(1));
    await time.elapse(10);
    expect(got).toEqual([1]);
    expect(closes).toEqual([]);
  });

  test("a cut ends both sides, each told once", async () => {
    const { time, network, dialled, acceptor, lane } = await connected();
    const told: string[] = [];
    dialled.onClose(() => told.push("a"));
    acceptor.onClose(() => told.push("b"));
    lane.onEnd(() => told.push("lane"));
    network.cut("a", "b");
    network.cut("a", "b");
    await time.elapse(10);
    expect(told.sort()).toEqual(["a", "b", "lane"]);
    expect(network.linkCount).toBe(0);
    lane.write(Uint8Array.of(1));
    await time.elapse(10);
  });

  test("only the dialler opens lanes", async () => {
    const { acceptor } = await connected();
    expect(() => acceptor.openLane()).toThrow(
      expect.objectContaining({ code: "ACCEPTOR_OPENS_LANE" }),
    );
  });

  test("the room before a view is the carrier's", async () => {
    const { time, got, lane } = await connected(undefined, 4);
    const buffer = Uint8Array.of(0, 0, 0, 0, 7);
    lane.write(buffer.subarray(4));
    expect([...buffer.subarray(0, 4)]).toEqual([0xee, 0xee, 0xee, 0xee]);
    await time.elapse(10);
    expect(got).toEqual([7]);
  });
});
