import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LeaderElection } from "../../../../operator/runtime/index.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeApiServer } from "../../../support/fake-api-server.ts";
import { runtimeRig, seriesOf } from "../../../support/runtime-rig.ts";

const leasePath = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
let server: FakeApiServer;

beforeEach(async () => {
  server = await FakeApiServer.start();
});

afterEach(async () => {
  await server.stop();
});

function candidate(identity: string) {
  const rig = runtimeRig();
  const told: string[] = [];
  const client = rig.client(server);
  const { surroundings, metrics } = rig;
  const election = new LeaderElection(
    {
      namespace: "default",
      name: "lock",
      identity,
      onElected: () => told.push("elected"),
      onLost: (why) => told.push(why),
      onLeaderChanged: (holder) => told.push(`leader ${holder}`),
    },
    { client, surroundings, metrics },
  );
  const until = (condition: () => boolean): Promise<unknown> =>
    eventually(async () => {
      await rig.time.elapse(50);
      return condition();
    });
  return { ...rig, client, election, told, until };
}

function spec(): Record<string, unknown> {
  return { ...server.get(`${leasePath}/lock`)?.spec };
}

describe("a candidate", () => {
  it("refuses a lease duration that the API has no value for", () => {
    const { client, surroundings, metrics } = candidate("one:1");
    const none = (): void => {};
    const options = { namespace: "default", name: "lock", identity: "one:1" };
    const times = { leaseDurationMs: 15_500, onElected: none, onLost: none };
    const make = () => {
      return new LeaderElection({ ...options, ...times }, { client, surroundings, metrics });
    };
    expect(make).toThrow("give whole seconds");
  });

  it("writes its name on a new lease and leads", async () => {
    const { election, until, told, metrics, client } = candidate("one:1");
    expect(election.isLeader()).toBe(false);
    expect(await seriesOf(metrics, "leader_election_master_status")).toBe(0);
    election.start();
    await until(() => election.isLeader());
    expect(told).toEqual(["leader ", "leader one:1", "elected"]);
    expect(spec()).toMatchObject({
      holderIdentity: "one:1",
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
    });
    expect(spec().renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(await seriesOf(metrics, "leader_election_master_status")).toBe(1);
    await election.release();
    await client.close();
  });

  it("follows while another renews, and takes over when that one has stopped", async () => {
    const one = candidate("one:1");
    one.election.start();
    await one.until(() => one.election.isLeader());
    const two = candidate("two:2");
    two.election.start();
    await two.until(() => two.election.holder === "one:1");
    // The first one is gone without a word: its clock stands still from here on.
    await two.time.elapse(14_000);
    expect(two.election.isLeader()).toBe(false);
    await two.until(() => two.election.isLeader());
    expect(two.time.nowMs()).toBeGreaterThan(15_000);
    expect(spec()).toMatchObject({ holderIdentity: "two:2", leaseTransitions: 1 });
    // The first one goes on: the first thing that it hears of is the loss.
    await one.time.elapse(11_000);
    expect(one.election.isLeader()).toBe(false);
    expect(one.told).toContain("notRenewed");
    await two.election.release();
    await one.client.close();
    await two.client.close();
  });

  it("leaves at once when it finds another's name on its lease", async () => {
    const { election, until, told, client } = candidate("one:1");
    election.start();
    await until(() => election.isLeader());
    const metadata = { name: "lock" };
    server.put(leasePath, { metadata, spec: { holderIdentity: "two:2" } });
    await until(() => told.includes("taken"));
    expect(election.isLeader()).toBe(false);
    expect(spec().holderIdentity).toBe("two:2");
    await client.close();
  });

  it("leads through failures that are shorter than its deadline, and no longer", async () => {
    const { election, until, told, time, client } = candidate("one:1");
    election.start();
    await until(() => election.isLeader());
    server.fail({ answer: 503, times: 3 });
    for (let at = 0; at < 160; at++) await until(() => true);
    expect(election.isLeader()).toBe(true);
    server.fail({ answer: 503, times: 1_000 });
    await until(() => told.includes("notRenewed"));
    expect(election.isLeader()).toBe(false);
    expect(time.timerCount).toBe(0);
    await client.close();
  });

  it("does not lead after its machine slept, before anything else happens", async () => {
    const { election, until, told, wall, client } = candidate("one:1");
    election.start();
    await until(() => election.isLeader());
    wall.epochMs += 20_000;
    expect(election.isLeader()).toBe(false);
    expect(told).toContain("notRenewed");
    await client.close();
  });

  it("gives the lease back: its name is taken off, and nothing is renewed any more", async () => {
    const { election, until, told, time, client } = candidate("one:1");
    election.start();
    await until(() => election.isLeader());
    await election.release();
    expect(told.slice(-2)).toEqual(["released", "leader "]);
    expect(spec()).toMatchObject({ holderIdentity: "", leaseDurationSeconds: 1 });
    expect(time.timerCount).toBe(0);
    await client.close();
  });

  it("refuses times that could let two lead", () => {
    const { client, surroundings, metrics } = candidate("one:1");
    const options = {
      namespace: "default",
      name: "lock",
      onElected: () => undefined,
      onLost: () => undefined,
    };
    const components = { client, surroundings, metrics };
    const build =
      (times: object, identity = "one") =>
      () =>
        new LeaderElection({ ...options, identity, ...times }, components);
    expect(build({ renewDeadlineMs: 15_000 })).toThrow(/renewDeadlineMs 15000/);
    expect(build({ retryPeriodMs: 9_000 })).toThrow(RangeError);
    expect(build({}, "")).toThrow(RangeError);
  });
});
