/** A sidecar without a configuration, how it gets one, and what it keeps of it. */
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Applied, RefusalCode } from "../../../proto/gen/spillway/control/v1/control_pb.ts";
import { ControlledPod, echoConfig } from "../../support/controlled-pod.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeOperator, type FakeOperatorOptions, notLeader } from "../../support/fake-operator.ts";

const both = { demand: true, capability: true };

async function startOperator(options?: FakeOperatorOptions): Promise<FakeOperator> {
  const operator = await FakeOperator.start(options);
  onTestFinished(() => operator.stop());
  return operator;
}

/** A pod that is configured and works. */
async function configured(operator: FakeOperator): Promise<ControlledPod> {
  operator.tell("pod-a", echoConfig(both));
  const pod = new ControlledPod("pod-a", operator);
  await pod.start();
  await pod.sidecar.ready();
  await works(pod);
  return pod;
}

async function works(pod: ControlledPod): Promise<void> {
  const ticket = await pod.add(21);
  await pod.work();
  await expect(pod.result(ticket)).resolves.toMatchObject({ size: 42 });
}

describe("a sidecar that an operator tells what to be", () => {
  it("answers NOT_CONFIGURED, then is configured, then items flow and are reported", async () => {
    const operator = await startOperator();
    const pod = new ControlledPod("pod-a", operator);
    await pod.start();
    const early = await pod.call({ path: "/v1/demands" });
    expect([early.status, early.headers["retry-after"]]).toEqual([503, "1"]);
    expect(JSON.parse(early.text)).toMatchObject({ code: "NOT_CONFIGURED" });
    await eventually(() => operator.stream("pod-a"), { what: "the stream" });
    operator.tell("pod-a", echoConfig(both));
    await pod.sidecar.ready();
    expect(pod.sidecar.addresses.peer?.port).toBeGreaterThan(0);
    await works(pod);
    const stream = await eventually(() => operator.stream("pod-a"));
    await eventually(() => stream.report?.demands[0]?.counts?.done === 1n, { what: "a report" });
    expect(stream.report?.demands[0]?.resource).toMatchObject({ uid: "demand-uid" });
    expect(stream.report?.peerAddress).toMatchObject({ addresses: ["127.0.0.1"] });
  });

  it("passes its start after 5 s when nobody tells it anything", async () => {
    const operator = await startOperator();
    const pod = new ControlledPod("pod-a", operator);
    await pod.start();
    expect(pod.sidecar.addresses.admin).toBeUndefined();
    const beganMs = performance.now();
    await pod.sidecar.ready();
    expect(performance.now() - beganMs).toBeGreaterThan(4_900);
    expect(pod.sidecar.addresses.admin?.port).toBeGreaterThan(0);
    expect((await pod.call({ path: "/v1/demands" })).status).toBe(503);
  });

  it("acknowledges each resource: a bad one is refused, what it was before stays", async () => {
    const operator = await startOperator();
    const pod = await configured(operator);
    operator.tell("pod-a", echoConfig({ ...both, maxProviders: 5_000 }, 2n));
    const stream = await eventually(() => operator.stream("pod-a"));
    const acknowledged = await eventually(() => {
      const last = stream.all("acknowledgement").at(-1);
      return last?.resources.some(({ resource }) => resource?.generation === 2n) && last;
    });
    const applied = new Map(acknowledged.resources.map((each) => [each.resource?.uid, each]));
    expect(applied.get("demand-uid")?.applied).toBe(Applied.REFUSED);
    expect(applied.get("demand-uid")?.message).toMatch(/maxProviders.*5000/);
    expect(applied.get("capability-uid")?.applied).toBe(Applied.IN_FORCE);
    await works(pod);
  });

  it("follows NOT_LEADER to the leader", async () => {
    const leader = await startOperator();
    const follower = await startOperator({ authority: leader.authority });
    follower.refusal = notLeader(leader.address);
    leader.tell("pod-a", echoConfig(both));
    const pod = new ControlledPod("pod-a", follower);
    await pod.start();
    await pod.sidecar.ready();
    await works(pod);
    expect(leader.stream("pod-a")).toBeDefined();
  });

  it("shows a fresh token before the one of its stream ends", async () => {
    const operator = await startOperator({ tokenExpiresInMs: 1_000 });
    const pod = await configured(operator);
    pod.writeToken(2);
    const stream = await eventually(() => operator.stream("pod-a"));
    expect(stream.token).toBe("test/pod-a/1");
    const shown = () => stream.all("authenticate").map(({ token }) => token);
    await eventually(() => shown().length > 0, { timeoutMs: 10_000, what: "a fresh token" });
    expect(shown()).toEqual(["test/pod-a/2"]);
    // Nobody could review it: the stream goes on, and the same token is shown again after 5 s.
    const { REVIEW_UNAVAILABLE: code } = RefusalCode;
    stream.send({ case: "refusal", value: { code, message: "The API server is away." } });
    await eventually(() => shown().length > 1, { timeoutMs: 10_000, what: "the token again" });
    expect(shown()).toEqual(["test/pod-a/2", "test/pod-a/2"]);
    expect(operator.stream("pod-a")).toBe(stream);
  });
});

describe("a sidecar that is restarted while the operator is away", () => {
  it("works by what it kept, readable by nobody else", async () => {
    const operator = await startOperator();
    const pod = await configured(operator);
    const folder = join(pod.stateFolder, "control");
    const files = (): string[] => readdirSync(folder).toSorted();
    const descriptors: unknown = expect.stringMatching(/^descriptors-[0-9a-f]{64}$/);
    await eventually(() => expect(files()).toEqual(["configuration", descriptors, "identity"]));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const file of files()) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    await pod.stop();
    await operator.stop();
    await pod.start();
    await pod.sidecar.ready();
    await works(pod);
  });

  it("is configured anew when what it kept is damaged", async () => {
    const operator = await startOperator();
    const pod = await configured(operator);
    await pod.stop();
    for (const file of ["configuration", "identity"]) {
      writeFileSync(join(pod.stateFolder, "control", file), "damaged");
    }
    await pod.start();
    await pod.sidecar.ready();
    await works(pod);
    expect(operator.issued).toBe(2);
  });

  it("resumes when the operator is back: nothing is sent again that it holds", async () => {
    const operator = await startOperator();
    const pod = await configured(operator);
    const { port, authority } = operator;
    await operator.stop();
    await works(pod);
    const again = await startOperator({ port, authority });
    const stream = await eventually(() => again.stream("pod-a"), { timeoutMs: 15_000 });
    const [hello] = await eventually(() => stream.all("hello"));
    expect(hello?.configVersion?.number).toBeGreaterThan(0n);
    expect(hello?.descriptorSets).toHaveLength(1);
    await eventually(() => stream.all("acknowledgement").length === 1);
    await works(pod);
    expect(again.issued).toBe(0);
  });
});
