/** Messages of the sidecar, made. */
import { create } from "@bufbuild/protobuf";
import {
  type AttachRequest,
  AttachRequestSchema,
  type Hello,
} from "../../../proto/gen/spillway/control/v1/control_pb.ts";
import type { HeldConfig } from "./held-config.ts";
import type { BoundPeerAddress } from "./node-status.ts";

/** What a sidecar says up. */
export type RequestKind = Exclude<AttachRequest["kind"], { case: undefined }>;

/** Wraps what is said. */
export function toOperator(kind: RequestKind): AttachRequest {
  return create(AttachRequestSchema, { kind });
}

/** The first message: who comes, and what it holds. */
export function helloOf(
  self: Pick<Hello, "sidecarVersion" | "incarnation">,
  held: HeldConfig,
  peerAddress: BoundPeerAddress | undefined,
): AttachRequest {
  const { configVersion, peersVersion } = held;
  const value = {
    ...self,
    ...(configVersion === undefined ? {} : { configVersion }),
    ...(peersVersion === undefined ? {} : { peersVersion }),
    descriptorSets: held.descriptorSets().map(({ hash }) => hash),
    ...(peerAddress === undefined ? {} : { peerAddress: peerAddressOf(peerAddress) }),
  };
  return create(AttachRequestSchema, { kind: { case: "hello", value } });
}

/** A bound address as a message. */
export function peerAddressOf({ addresses, port }: BoundPeerAddress) {
  return { addresses: addresses.slice(0, 4), port };
}
