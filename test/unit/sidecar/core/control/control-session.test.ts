import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  ConfigDeltaSchema,
  RefusalCode,
} from "../../../../../proto/gen/spillway/control/v1/control_pb.ts";
import { ControlSessionRig, version } from "../../../../support/control-session-rig.ts";
import { capabilityStatus, nodeStatus } from "../../../../support/node-status.ts";

const contract = { request: "a", response: "b", descriptorSet: "set" };
const work = {
  capabilities: [
    { resource: { uid: "uid-work", generation: 2n }, config: { name: "work", contract } },
  ],
};
const identity = { clusterId: "test", namespace: "shop", nodeId: "uid-1" };

/** What an earlier start kept. */
function kept(renewInMs = 60_000) {
  const config = create(ConfigDeltaSchema, {
    version: version(4),
    trustBundle: { pem: "CA" },
    ...work,
  });
  return { stored: { config }, storedIdentity: { ...identity, renewInMs } };
}

describe("a first start", () => {
  it("says hello with nothing held, asks for a certificate, and configures once it has one", () => {
    const rig = new ControlSessionRig();
    rig.handle({ type: "start" });
    const { hello } = rig.last("connect");
    expect(hello.kind).toMatchObject({ case: "hello", value: { incarnation: 3n } });
    rig.welcome();
    expect(rig.all("makeRequest")).toHaveLength(1);
    rig.handle({ type: "requestMade", request: new Uint8Array([1]) });
    expect(rig.sent("certificateRequest")).toHaveLength(1);
    rig.config(1, work);
    expect(rig.all("configure")).toEqual([]);
    rig.certified();
    expect(rig.last("useCertificate")).toMatchObject({ identity, trustBundlePem: "CA" });
    expect(rig.last("configure").config).toMatchObject({ version: version(1), identity });
    rig.configured();
    expect(rig.sent("acknowledgement")).toMatchObject([{ configVersion: version(1) }]);
    expect(rig.last("store").what).toBe("config");
  });

  it("keeps a certificate that comes before the bundle until the bundle is there", () => {
    const rig = new ControlSessionRig();
    rig.handle({ type: "start" });
    rig.welcome();
    rig.say({ case: "certificate", value: { certificatePem: "LEAF", renewAfter: {} } });
    expect(rig.all("useCertificate")).toEqual([]);
    rig.config(1);
    expect(rig.last("useCertificate")).toMatchObject({
      certificatePem: "LEAF",
      trustBundlePem: "CA",
    });
  });

  it("asks again when the certificate cannot be used, and configures nothing", () => {
    const rig = new ControlSessionRig();
    rig.handle({ type: "start" });
    rig.welcome();
    rig.config(1, work);
    rig.say({ case: "certificate", value: { certificatePem: "LEAF", renewAfter: {} } });
    rig.used("its key is another");
    expect(rig.all("configure")).toEqual([]);
    rig.pass(5_000);
    expect(rig.all("makeRequest")).toHaveLength(2);
  });

  it("gives up an opening that is not answered in 10 s", () => {
    const rig = new ControlSessionRig();
    rig.handle({ type: "start" });
    rig.pass(9_999);
    expect(rig.all("disconnect")).toEqual([]);
    rig.pass(1);
    expect(rig.all("disconnect")).toHaveLength(1);
    rig.pass(30_000);
    expect(rig.all("connect").length).toBeGreaterThan(1);
  });
});

describe("a restart with what was kept", () => {
  it("configures before the operator is heard, and names what it holds", () => {
    const rig = new ControlSessionRig(kept());
    rig.handle({ type: "start" });
    expect(rig.last("useCertificate")).toMatchObject({ certificatePem: undefined, identity });
    rig.used();
    expect(rig.last("configure").config.capabilities).toHaveLength(1);
    rig.configured();
    const { hello } = rig.last("connect");
    expect(hello.kind).toMatchObject({ value: { configVersion: version(4) } });
    rig.welcome();
    expect(rig.sent("acknowledgement")).toMatchObject([{ configVersion: version(4) }]);
    expect(rig.all("makeRequest")).toEqual([]);
    rig.pass(60_000);
    expect(rig.all("makeRequest")).toHaveLength(1);
  });

  it("asks for a certificate at once when the kept one's time to be renewed has passed", () => {
    const rig = new ControlSessionRig(kept(-1));
    rig.handle({ type: "start" });
    rig.used();
    rig.welcome();
    expect(rig.all("makeRequest")).toHaveLength(1);
    expect(rig.all("configure")).toHaveLength(1);
  });

  it("does not go on with a stream on which it is taken for another node", () => {
    const rig = new ControlSessionRig(kept());
    rig.handle({ type: "start" });
    rig.welcome({ nodeId: "uid-2" });
    expect(rig.session.attached).toBe(false);
    expect(rig.all("disconnect")).toHaveLength(1);
    rig.config(9);
    expect(rig.session.held.configVersion).toEqual(version(4));
  });
});

describe("a running stream", () => {
  it("hands out each change whole, and peers only once there is a configuration", () => {
    const rig = new ControlSessionRig();
    rig.handle({ type: "start" });
    rig.welcome();
    rig.say({ case: "peersDelta", value: { version: version(1), peers: [{ nodeId: "n" }] } });
    expect(rig.all("peers")).toEqual([]);
    rig.config(1, work);
    rig.certified();
    rig.configured();
    expect(rig.last("peers").peers).toMatchObject([{ nodeId: "n" }]);
    rig.config(2, { base: version(1), removed: ["uid-work"] });
    expect(rig.last("configure").config.capabilities).toEqual([]);
  });

  it("asks for everything anew when a change does not fit, and what is in force stays", () => {
    const rig = new ControlSessionRig().running(work);
    rig.config(7, { base: version(6), removed: ["uid-work"] });
    expect(rig.all("configure")).toHaveLength(1);
    expect(rig.all("disconnect")).toHaveLength(1);
    rig.pass(5_000);
    const { hello } = rig.last("connect");
    expect(hello.kind.value).not.toHaveProperty("configVersion", expect.anything());
  });

  it("drops what is old", () => {
    const rig = new ControlSessionRig().running(work);
    rig.config(1);
    expect(rig.all("configure")).toHaveLength(1);
    expect(rig.all("disconnect")).toEqual([]);
  });

  it("renews its certificate when it is due or wanted, and after a refusal later", () => {
    const rig = new ControlSessionRig().running();
    expect(rig.all("makeRequest")).toHaveLength(1);
    rig.pass(28_800_000);
    expect(rig.all("makeRequest")).toHaveLength(2);
    const retryAfter = { seconds: 60n };
    rig.say({ case: "refusal", value: { code: RefusalCode.CERTIFICATE_LIMIT, retryAfter } });
    rig.pass(59_999);
    expect(rig.all("makeRequest")).toHaveLength(2);
    rig.pass(1);
    expect(rig.all("makeRequest")).toHaveLength(3);
    rig.certified();
    rig.say({ case: "certificateWanted", value: {} });
    expect(rig.all("makeRequest")).toHaveLength(4);
  });

  it("checks by a changed bundle with the certificate that it has", () => {
    const rig = new ControlSessionRig().running();
    rig.config(2, { base: version(1), trustBundle: { pem: "CA + NEW" } });
    expect(rig.last("useCertificate")).toMatchObject({
      certificatePem: undefined,
      trustBundlePem: "CA + NEW",
      renewAfterMs: undefined,
    });
    rig.used();
    expect(rig.all("makeRequest")).toHaveLength(1);
  });

  it("shows a fresh token, and looks again while there is none", () => {
    const rig = new ControlSessionRig();
    rig.handle({ type: "start" });
    rig.welcome({ tokenSeconds: 100 });
    rig.pass(79_999);
    expect(rig.all("readToken")).toEqual([]);
    rig.pass(1);
    rig.handle({ type: "token", fresh: undefined });
    rig.pass(5_000);
    expect(rig.all("readToken")).toHaveLength(2);
    rig.handle({ type: "token", fresh: { token: "t2", expiresInMs: 100_000 } });
    expect(rig.sent("authenticate")).toMatchObject([{ token: "t2" }]);
    rig.pass(79_999);
    expect(rig.all("readToken")).toHaveLength(2);
  });

  it("shows a token that nobody could review again, and the stream goes on", () => {
    const rig = new ControlSessionRig();
    rig.handle({ type: "start" });
    rig.welcome({ tokenSeconds: 100 });
    rig.pass(80_000);
    expect(rig.last("readToken").again).toBe(false);
    const fresh = { token: "t2", expiresInMs: 100_000 };
    rig.handle({ type: "token", fresh });
    rig.say({ case: "refusal", value: { code: RefusalCode.REVIEW_UNAVAILABLE } });
    expect(rig.session.attached).toBe(true);
    rig.pass(4_999);
    expect(rig.all("readToken")).toHaveLength(1);
    rig.pass(1);
    expect(rig.last("readToken").again).toBe(true);
    rig.handle({ type: "token", fresh });
    expect(rig.sent("authenticate")).toMatchObject([{ token: "t2" }, { token: "t2" }]);
    rig.pass(79_999);
    expect(rig.all("readToken")).toHaveLength(2);
  });

  it("reports at once, and again at once when its configuration is in force", () => {
    const rig = new ControlSessionRig();
    rig.status = nodeStatus({ demands: [] });
    rig.running(work);
    rig.pass(250);
    expect(rig.sent("report").at(-1)?.capabilities).toMatchObject([
      { resource: { uid: "uid-work", generation: 2n } },
    ]);
  });

  it("is quiet where it is asked to be, confirms it, and takes items again after the ttl", () => {
    const rig = new ControlSessionRig();
    rig.status = nodeStatus({ demands: [], capabilities: [capabilityStatus({ credit: 0 })] });
    rig.running(work);
    const ttl = { seconds: 30n };
    rig.say({ case: "quiesce", value: { sequence: 5n, capabilityUids: ["uid-work"], ttl } });
    expect([...rig.last("quiesce").capabilities]).toEqual(["work"]);
    expect(rig.sent("quiesceConfirmation")).toMatchObject([{ sequence: 5n }]);
    rig.ended();
    rig.pass(29_999);
    expect(rig.all("quiesce")).toHaveLength(1);
    rig.pass(1);
    expect([...rig.last("quiesce").capabilities]).toEqual([]);
  });

  it("tells a capability that came into force meanwhile to be quiet too", () => {
    const rig = new ControlSessionRig().running();
    const ttl = { seconds: 30n };
    rig.say({ case: "quiesce", value: { sequence: 5n, capabilityUids: ["uid-work"], ttl } });
    expect([...rig.last("quiesce").capabilities]).toEqual([]);
    rig.config(2, { base: version(1), ...work });
    rig.configured();
    expect([...rig.last("quiesce").capabilities]).toEqual(["work"]);
  });

  it("is over when the operator says Welcome twice, or something else first", () => {
    const twice = new ControlSessionRig().running();
    twice.welcome();
    expect(twice.session.attached).toBe(false);
    const first = new ControlSessionRig();
    first.handle({ type: "start" });
    first.config(1);
    expect(first.all("disconnect")).toHaveLength(1);
    expect(first.session.held.configVersion).toBeUndefined();
  });
});

describe("a stream that ends", () => {
  it("changes nothing that is in force, and is opened again", () => {
    const rig = new ControlSessionRig().running(work);
    rig.ended();
    expect(rig.all("configure")).toHaveLength(1);
    expect(rig.all("connect")).toHaveLength(1);
    rig.pass(5_000);
    expect(rig.all("connect")).toHaveLength(2);
    rig.welcome();
    expect(rig.sent("acknowledgement")).toHaveLength(2);
  });

  it("because another operator leads is opened there at once", () => {
    const rig = new ControlSessionRig();
    rig.handle({ type: "start" });
    rig.ended({ code: RefusalCode.NOT_LEADER, leaderAddress: "10.0.0.7:17079" });
    rig.pass(0);
    expect(rig.last("connect").address).toBe("10.0.0.7:17079");
    rig.ended();
    rig.pass(30_000);
    expect(rig.last("connect").address).toBeUndefined();
  });

  it("by the sidecar's own end is not opened again", () => {
    const rig = new ControlSessionRig().running();
    rig.handle({ type: "stop" });
    rig.ended();
    rig.pass(100_000);
    expect(rig.all("connect")).toHaveLength(1);
    expect(rig.session.nextDeadlineMs()).toBe(Infinity);
  });

  it("twice is one end", () => {
    const rig = new ControlSessionRig().running();
    rig.ended();
    rig.ended();
    expect(rig.all("note").filter(({ event }) => event === "lost")).toHaveLength(1);
  });
});
