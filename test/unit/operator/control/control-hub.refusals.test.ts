import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  RefusalCode,
  RefusalSchema,
} from "../../../../proto/gen/spillway/control/v1/control_pb.ts";
import { testPod } from "../../../support/control-rig.ts";
import { HubRig, only } from "../../../support/hub-rig.ts";

const digest = new Uint8Array(32);

describe("who is refused", () => {
  test("everybody, while another one leads; open streams end and are told who", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached();
    rig.tell({ type: "following", leaderAddress: "10.0.0.2:17079" });
    const refused = { code: RefusalCode.NOT_LEADER, leaderAddress: "10.0.0.2:17079" };
    expect(rig.ended.get(stream)).toMatchObject(refused);
    expect(rig.ended.get(rig.attach(testPod()))).toMatchObject(refused);
    expect(new HubRig().hub.refusesAll()?.code).toBe(RefusalCode.NOT_LEADER);
  });

  test("everybody, while it stops", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached();
    rig.tell({ type: "stopping" });
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.STOPPING);
    expect(rig.ended.get(rig.attach(testPod()))?.code).toBe(RefusalCode.STOPPING);
  });

  test.each([
    [100, undefined],
    [101, { seconds: 1n }],
  ])("everybody, while it stops with %i streams: many are not to come at once", (count, retry) => {
    const rig = HubRig.leading();
    for (let made = 0; made < count; made++) rig.attach(testPod());
    rig.tell({ type: "stopping" });
    expect(rig.ended.size).toBe(count);
    for (const { retryAfter } of rig.ended.values()) {
      if (retry === undefined) expect(retryAfter).toBeUndefined();
      else expect(retryAfter).toMatchObject(retry);
    }
  });

  test("a pod that stays unknown for 10 s, with a time to come back", () => {
    const rig = HubRig.leading();
    const stream = rig.attach(testPod());
    rig.elapse(9_999);
    expect(rig.ended.size).toBe(0);
    rig.elapse(1);
    expect(rig.ended.get(stream)).toMatchObject({
      code: RefusalCode.POD_UNKNOWN,
      retryAfter: { seconds: 1n },
    });
  });

  test("a pod that was deleted", () => {
    const rig = HubRig.leading();
    const { pod, stream } = rig.attached();
    rig.tell({ type: "released", podUid: pod.uid });
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.POD_DELETED);
    expect(rig.hub.sidecar(pod.uid)).toBeUndefined();
  });

  test("a token whose uid is known under another name or namespace", () => {
    const rig = HubRig.leading();
    const pod = rig.assign(testPod());
    for (const other of [{ name: "web-1" }, { namespace: "bank" }]) {
      const stream = rig.attach({ ...pod, ...other });
      expect(rig.ended.get(stream)?.code).toBe(RefusalCode.TOKEN_REFUSED);
    }
  });

  test("whoever is silent for three report intervals", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached();
    rig.elapse(29_999);
    rig.send(stream, { case: "report", value: {} });
    rig.elapse(29_999);
    expect(rig.ended.size).toBe(0);
    rig.elapse(1);
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.SILENT);
  });

  test("whoever does not renew its token; whoever does stays", () => {
    const rig = HubRig.leading({ reportIntervalMs: 3_600_000 });
    const pod = rig.assign(testPod());
    const identity = { namespace: "shop", podName: pod.name, podUid: pod.uid, kubeNode: "" };
    const stream = rig.attach(pod, {}, 60_000);
    rig.elapse(59_000);
    rig.send(stream, { case: "authenticate", value: { token: "t2" } });
    expect(rig.effects.at(-1)).toEqual({ type: "review", stream, token: "t2" });
    rig.tell({ type: "authenticated", stream, identity, expiresInMs: 60_000 });
    rig.elapse(59_999);
    expect(rig.ended.size).toBe(0);
    rig.elapse(1);
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.TOKEN_EXPIRED);
  });

  test("whoever renews with a token that the API server refuses; whoever can't be reviewed stays", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached();
    const answered = (code: RefusalCode) => {
      rig.send(stream, { case: "authenticate", value: { token: "t2" } });
      const refusal = create(RefusalSchema, { code });
      rig.tell({ type: "notAuthenticated", stream, refusal });
      return rig.takeAll(stream);
    };
    for (const code of [RefusalCode.REVIEW_UNAVAILABLE, RefusalCode.REVIEW_LIMIT]) {
      expect(only(answered(code), "refusal").code).toBe(code);
      expect(rig.ended.size).toBe(0);
    }
    answered(RefusalCode.TOKEN_REFUSED);
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.TOKEN_REFUSED);
  });

  test("whoever renews with another pod's token", () => {
    const rig = HubRig.leading();
    const { stream } = rig.attached();
    rig.send(stream, { case: "authenticate", value: { token: "t2" } });
    const identity = { namespace: "shop", podName: "web-9", podUid: "another", kubeNode: "" };
    rig.tell({ type: "authenticated", stream, identity, expiresInMs: 60_000 });
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.TOKEN_REFUSED);
  });

  test("a stream beyond the bound, but not the next one of a pod that is attached", () => {
    const rig = HubRig.leading({ maxStreams: 1 });
    const { pod, stream } = rig.attached();
    expect(rig.ended.get(rig.attach(testPod("b")))?.code).toBe(RefusalCode.STREAM_LIMIT);
    const newer = rig.attach(pod);
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.REPLACED);
    expect(rig.ended.has(newer)).toBe(false);
  });

  test.each([
    [{ sidecarVersion: "v".repeat(65) }],
    [{ configVersion: { number: 1n, digest: new Uint8Array(31) } }],
    [{ peersVersion: { number: 2n ** 62n + 1n, digest } }],
    [{ descriptorSets: ["xyz"] }],
    [{ descriptorSets: Array.from({ length: 513 }, () => "ab".repeat(32)) }],
    [{ peerAddress: { addresses: [], port: 1 } }],
    [{ peerAddress: { addresses: ["10.0.0.1"], port: 0 } }],
    [{ peerAddress: { addresses: Array.from({ length: 5 }, () => "10.0.0.1"), port: 1 } }],
  ])("a Hello that is none: %#", (hello) => {
    const rig = HubRig.leading();
    const stream = rig.attach(rig.assign(testPod()), hello);
    expect(rig.ended.get(stream)?.code).toBe(RefusalCode.MESSAGE_INVALID);
    expect(rig.hub.streamCount).toBe(0);
  });

  test("late messages of a stream that is over change nothing", () => {
    const rig = HubRig.leading();
    const { pod, stream } = rig.attached();
    rig.attach(pod);
    rig.effects.length = 0;
    rig.send(stream, { case: "report", value: {} });
    rig.tell({ type: "detached", stream });
    expect(rig.effects).toEqual([]);
    expect(rig.hub.sidecar(pod.uid)).toMatchObject({ attached: true, report: undefined });
  });
});
