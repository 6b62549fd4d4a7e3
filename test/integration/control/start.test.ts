/** A sidecar without a configuration, and how it gets one. */
import { describe, expect, it, onTestFinished } from "vitest";
import { ControlledPod, echoConfig } from "../../support/controlled-pod.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeOperator, type FakeOperatorOptions } from "../../support/fake-operator.ts";

async function startOperator(options?: FakeOperatorOptions): Promise<FakeOperator> {
  const operator = await FakeOperator.start(options);
  onTestFinished(() => operator.stop());
  return operator;
}

describe("a sidecar that an operator tells what to be", () => {
  it("answers NOT_CONFIGURED, then is configured, then items flow", async () => {
    const operator = await startOperator();
    const pod = new ControlledPod("pod-a", operator);
    await pod.start();
    const early = await pod.call({ path: "/v1/demands" });
    expect([early.status, early.headers["retry-after"]]).toEqual([503, "1"]);
    expect(JSON.parse(early.text)).toMatchObject({ code: "NOT_CONFIGURED" });
    await eventually(() => operator.stream("pod-a"), { what: "the stream" });
    operator.tell("pod-a", echoConfig({ demand: true, capability: true }));
    await pod.sidecar.ready();
    expect(pod.sidecar.addresses.peer?.port).toBeGreaterThan(0);
    const ticket = await pod.add(21);
    await pod.work();
    await expect(pod.result(ticket)).resolves.toMatchObject({ size: 42 });
    await eventually(() => operator.stream("pod-a")?.report?.demands[0]?.counts?.done === 1n);
  });
});
