import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  AcknowledgementSchema,
  AttachRequestSchema,
} from "../../../../proto/gen/spillway/control/v1/control_pb.ts";
import { testCapability, testDemand, testPod } from "../../../support/control-rig.ts";
import { HubRig } from "../../../support/hub-rig.ts";

const pod = testPod();
const none = { resources: 0, generations: 0 };

function rigWith(generation: number) {
  const rig = HubRig.leading();
  const demand = testDemand({ generation });
  const assign = (to: number) => {
    rig.tell({
      type: "assigned",
      assignment: {
        pod: { ...pod, ips: [], roles: [] },
        demands: [testDemand({ uid: demand.uid, generation: to })],
        capabilities: [],
      },
    });
  };
  assign(generation);
  return { rig, uid: demand.uid, assign };
}

function acknowledge(rig: HubRig, stream: number, { uid, generation }: AnyResource): void {
  const resources = [{ resource: { uid, generation: BigInt(generation) } }];
  const value = create(AcknowledgementSchema, { resources });
  const request = create(AttachRequestSchema, { kind: { case: "acknowledgement", value } });
  rig.tell({ type: "message", stream, request });
}

interface AnyResource {
  readonly uid: string;
  readonly generation: number;
}

test("who was told and has not answered is one generation behind, whatever its number", () => {
  const { rig } = rigWith(9);
  rig.attach(pod);
  expect(rig.hub.lag()).toEqual({ resources: 1, generations: 1 });
});

test("who answered an older generation is behind by the difference, until it answers", () => {
  const { rig, uid, assign } = rigWith(2);
  const stream = rig.attach(pod);
  acknowledge(rig, stream, { uid, generation: 2 });
  expect(rig.hub.lag()).toEqual(none);
  assign(5);
  expect(rig.hub.lag()).toEqual({ resources: 1, generations: 3 });
  acknowledge(rig, stream, { uid, generation: 5 });
  expect(rig.hub.lag()).toEqual(none);
});

test("a sidecar that is not attached is not behind", () => {
  const { rig } = rigWith(1);
  expect(rig.hub.lag()).toEqual(none);
  const stream = rig.attach(pod);
  rig.tell({ type: "detached", stream });
  expect(rig.hub.lag()).toEqual(none);
});

test("each resource of each sidecar counts", () => {
  const rig = HubRig.leading();
  for (const name of ["a", "b"]) {
    const each = testPod(name);
    rig.tell({
      type: "assigned",
      assignment: {
        pod: { ...each, ips: [], roles: [] },
        demands: [testDemand()],
        capabilities: [testCapability()],
      },
    });
    rig.attach(each);
  }
  expect(rig.hub.lag()).toEqual({ resources: 4, generations: 1 });
});
