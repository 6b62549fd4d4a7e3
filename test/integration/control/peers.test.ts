/** Two sidecars that know each other by the operator alone: sessions, certificates, QUIESCE. */
import { create } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Peer, PeerSchema } from "../../../proto/gen/spillway/control/v1/control_pb.ts";
import { routeHash } from "../../../sidecar/wire/announcement.ts";
import { ControlledPod, echoConfig } from "../../support/controlled-pod.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeOperator, type FakeOperatorOptions } from "../../support/fake-operator.ts";

interface Pair {
  readonly operator: FakeOperator;
  readonly producer: ControlledPod;
  readonly provider: ControlledPod;
}

/** A producer, and a provider that is told where it is. */
async function pair(options?: FakeOperatorOptions): Promise<Pair> {
  const operator = await FakeOperator.start(options);
  onTestFinished(() => operator.stop());
  operator.tell("producer", echoConfig({ demand: true }));
  operator.tell("provider", echoConfig({ capability: true }));
  const producer = new ControlledPod("producer", operator);
  const provider = new ControlledPod("provider", operator);
  await Promise.all([producer.start(), provider.start()]);
  await Promise.all([producer.sidecar.ready(), provider.sidecar.ready()]);
  operator.tellPeers("provider", [await peerOf(operator, "producer")]);
  await works({ operator, producer, provider });
  return { operator, producer, provider };
}

/** What the real operator makes of a sidecar's words. */
async function peerOf(operator: FakeOperator, nodeId: string): Promise<Peer> {
  const stream = await eventually(() => operator.stream(nodeId));
  const address = await eventually(() => stream.report?.peerAddress, { what: "an address" });
  const incarnation = stream.all("hello")[0]?.incarnation ?? 0n;
  const demand = {
    routeHash: routeHash("test", "echo.v1.Ask", "echo.v1.Answer"),
    name: "echo",
    desiredProviders: 1,
    maxProviders: 10,
  };
  return create(PeerSchema, { nodeId, address, incarnation, demands: [demand] });
}

async function works({ producer, provider }: Pair): Promise<void> {
  const ticket = await producer.add(4);
  await provider.work();
  await expect(producer.result(ticket)).resolves.toMatchObject({ size: 8 });
}

/**
 * Bytes that the session with the other node has carried, after some items: a new session begins
 * at 0, and one item more would not make up for them.
 */
async function carried(pods: Pair): Promise<number> {
  for (let item = 0; item < 5; item++) await works(pods);
  return sentBytes(pods.provider);
}

async function sentBytes(pod: ControlledPod): Promise<number> {
  const { host, port } = pod.sidecar.addresses.ops ?? { host: "", port: 0 };
  const answer = await fetch(`http://${host}:${String(port)}/v1/peers`);
  const { peers } = (await answer.json()) as { peers: { sentBytes?: number }[] };
  return peers[0]?.sentBytes ?? 0;
}

describe("sidecars that know each other by the operator alone", () => {
  it("work together, and say that the source is `control`", async () => {
    const { operator, provider } = await pair();
    const { host, port } = provider.sidecar.addresses.ops ?? { host: "", port: 0 };
    const answer = await fetch(`http://${host}:${String(port)}/v1/peers`);
    expect(await answer.json()).toMatchObject({
      peers: [{ id: "producer", sources: ["session", "control"], connected: true }],
    });
    const stream = await eventually(() => operator.stream("producer"));
    await eventually(() => stream.report?.demands[0]?.connectedProviders[0] === "provider");
  });

  it("renew their certificates, and the session between them stays", async () => {
    const pods = await pair({ renewAfterMs: 200 });
    const before = await carried(pods);
    const { issued } = pods.operator;
    await eventually(() => pods.operator.issued > issued + 4, { what: "renewals" });
    await works(pods);
    expect(await sentBytes(pods.provider)).toBeGreaterThan(before);
  });

  it("take another authority while both hold, then it alone, and the session stays", async () => {
    const pods = await pair();
    const { operator, producer, provider } = pods;
    const before = await carried(pods);
    await operator.replaceAuthority();
    await eventually(() => operator.issued === 4, { what: "certificates of the new authority" });
    operator.dropOldAuthority();
    await eventually(() => acknowledgedLast(operator), { what: "the bundle of the new one" });
    await works(pods);
    expect(await sentBytes(provider)).toBeGreaterThan(before);
    // A new handshake is proven and checked by the new authority alone.
    await producer.stop();
    await producer.start();
    await producer.sidecar.ready();
    operator.tellPeers("provider", [await peerOf(operator, "producer")]);
    await works(pods);
  });

  it("find each other again after a restart while the operator is away", async () => {
    const pods = await pair();
    await pods.operator.stop();
    await pods.provider.stop();
    await pods.provider.start();
    await pods.provider.sidecar.ready();
    await works(pods);
  });

  it("take nothing new when asked to, confirm it, and go on when it is over", async () => {
    const pods = await pair();
    const stream = await eventually(() => pods.operator.stream("provider"));
    const quiesce = (sequence: bigint, capabilityUids: string[]) => {
      const ttl = { seconds: 60n, nanos: 0 };
      stream.send({ case: "quiesce", value: { sequence, capabilityUids, ttl } });
    };
    quiesce(1n, ["capability-uid"]);
    const confirmation = await eventually(
      () => stream.all("quiesceConfirmation").findLast(({ capabilities }) => capabilities[0]?.idle),
      { what: "a confirmation" },
    );
    expect(confirmation.sequence).toBe(1n);
    await eventually(() => stream.report?.capabilities[0]?.quiesced);
    const ticket = await pods.producer.add(5);
    const pulled = await pods.provider.call({
      method: "POST",
      path: "/v1/capabilities/echo/pull",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ max: 1, wait: "300ms" }),
    });
    expect(JSON.parse(pulled.text)).toMatchObject({ items: [] });
    quiesce(2n, []);
    await pods.provider.work();
    await expect(pods.producer.result(ticket)).resolves.toMatchObject({ size: 10 });
  });
});

/** Both have acknowledged the configuration that they were told last. */
function acknowledgedLast(operator: FakeOperator): boolean {
  return ["producer", "provider"].every((nodeId) => {
    const stream = operator.stream(nodeId);
    const last = stream?.all("acknowledgement").at(-1)?.configVersion?.number;
    return last !== undefined && last === operator.toldVersions.get(nodeId);
  });
}
