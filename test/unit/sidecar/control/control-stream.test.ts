import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { create } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  AttachRequestSchema,
  type AttachResponse,
  RefusalCode,
} from "../../../../proto/gen/spillway/control/v1/control_pb.ts";
import {
  ControlStream,
  type ControlStreamOptions,
  type StreamEnd,
} from "../../../../sidecar/control/control-stream.ts";
import { issueLeaf } from "../../../../sidecar/runtime/certificate.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeOperator } from "../../../support/fake-operator.ts";
import { TcpProxy } from "../../../support/tcp-proxy.ts";

const hello = create(AttachRequestSchema, { kind: { case: "hello", value: {} } });

async function operatorOf(): Promise<FakeOperator> {
  const operator = await FakeOperator.start();
  onTestFinished(() => operator.stop());
  return operator;
}

interface Opened {
  readonly stream: ControlStream;
  readonly received: AttachResponse[];
  readonly ends: StreamEnd[];
}

function open(operator: FakeOperator, over: Partial<ControlStreamOptions> = {}): Opened {
  const received: AttachResponse[] = [];
  const ends: StreamEnd[] = [];
  const stream = new ControlStream(
    {
      address: operator.address,
      authorities: [operator.trustBundlePem],
      token: "test/pod-a/1",
      hello,
      ...over,
    },
    {
      received: (message) => void received.push(message),
      ended: (end) => void ends.push(end),
    },
  );
  onTestFinished(() => {
    stream.close();
  });
  return { stream, received, ends };
}

async function attached(operator: FakeOperator, over?: Partial<ControlStreamOptions>) {
  const opened = open(operator, over);
  await eventually(() => opened.received[0]?.kind.case === "welcome", { what: "Welcome" });
  return opened;
}

describe("a control stream", () => {
  it("carries messages both ways", async () => {
    const operator = await operatorOf();
    const { stream } = await attached(operator);
    stream.send(
      create(AttachRequestSchema, { kind: { case: "authenticate", value: { token: "t" } } }),
    );
    const far = await eventually(() => operator.stream("pod-a"));
    await eventually(() => far.all("authenticate").length === 1);
  });

  it("ends with the operator's own word when there is one", async () => {
    const operator = await operatorOf();
    operator.refusal = { code: RefusalCode.TOKEN_REFUSED, message: "another audience" };
    const { ends } = open(operator);
    await eventually(() => ends.length === 1);
    expect(ends[0]?.refusal).toMatchObject({
      code: RefusalCode.TOKEN_REFUSED,
      message: "another audience",
    });
  });

  it("ends once when the operator is gone", async () => {
    const operator = await operatorOf();
    const { ends } = await attached(operator);
    await operator.stop();
    await eventually(() => ends.length > 0);
    expect(ends).toHaveLength(1);
    expect(ends[0]?.refusal).toBeUndefined();
  });

  it("is not opened to an operator of another authority", async () => {
    const operator = await operatorOf();
    const other = await operatorOf();
    const { ends, received } = open(operator, { authorities: [other.trustBundlePem] });
    await eventually(() => ends.length === 1);
    expect(received).toEqual([]);
    expect(operator.streams).toEqual([]);
  });

  it("is not opened to a sidecar, whose certificate comes from the same authority", async () => {
    const operator = await operatorOf();
    const name = { clusterId: "test", namespace: "test", nodeId: "pod-b" };
    const validity = { nowMs: Date.now(), validForMs: 3_600_000 };
    const leaf = await issueLeaf(operator.authority, { name, ...validity });
    let requests = 0;
    const impostor = createSecureServer({ cert: leaf.certificatePem, key: leaf.privateKeyPem });
    impostor.on("stream", () => (requests += 1));
    await new Promise<void>((resolve) => impostor.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void impostor.close());
    const { port } = impostor.address() as AddressInfo;
    const { ends } = open(operator, { address: `127.0.0.1:${String(port)}` });
    await eventually(() => ends.length === 1);
    expect(ends[0]?.reason).toMatch(/altnames|control\.spillway\.dev/);
    expect(requests).toBe(0);
  });

  it("that died without a word is over when a ping is not answered", async () => {
    const operator = await operatorOf();
    const [host = "", port = ""] = operator.address.split(":");
    const proxy = await TcpProxy.open({ host, port: Number(port) });
    onTestFinished(() => proxy.close());
    const address = `127.0.0.1:${String(proxy.port)}`;
    const pings = { pingIntervalMs: 100, pingTimeoutMs: 100 };
    const { ends } = await attached(operator, { address, pings });
    proxy.freeze();
    await eventually(() => ends.length === 1, { what: "the end of a half-open stream" });
  });

  it("can be closed while it opens, whatever becomes of the connection", async () => {
    const operator = await operatorOf();
    const [host = "", port = ""] = operator.address.split(":");
    const proxy = await TcpProxy.open({ host, port: Number(port) });
    onTestFinished(() => proxy.close());
    proxy.freeze();
    const { stream, ends } = open(operator, { address: `127.0.0.1:${String(proxy.port)}` });
    await eventually(() => proxy.connections > 0);
    stream.close();
    proxy.cut();
    await expect(operator.stop()).resolves.toBeUndefined();
    expect(ends).toEqual([]);
  });

  it("ends when a message is greater than may be", async () => {
    const operator = await operatorOf();
    const { ends } = await attached(operator);
    const content = new Uint8Array(1_100_000);
    operator.stream("pod-a")?.send({ case: "descriptorSet", value: { hash: "", content } });
    await eventually(() => ends.length === 1);
    expect(ends[0]?.reason).toMatch(/ResourceExhausted/);
  });

  it("ends when more messages wait than may", async () => {
    const operator = await operatorOf();
    const { stream, ends } = await attached(operator);
    for (let index = 0; index < 300; index++) stream.send(hello);
    expect(ends[0]?.reason).toMatch(/256 messages wait/);
  });

  it("tells nothing after it was closed", async () => {
    const operator = await operatorOf();
    const { stream, ends, received } = await attached(operator);
    const count = received.length;
    stream.close();
    operator.tell("pod-a", {});
    await operator.stop();
    expect([ends, received.length]).toEqual([[], count]);
  });
});
