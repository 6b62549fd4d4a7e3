/**
 * How long a message is, without encoding it whole: entries of demands, capabilities and peers are
 * values that never change and go to many sidecars, so that each is measured once.
 */
import { create, type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  AttachResponseSchema,
  CapabilityEntrySchema,
  type ConfigDelta,
  ConfigDeltaSchema,
  DemandEntrySchema,
  type PeersDelta,
  PeersDeltaSchema,
  PeerSchema,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import type { Answer } from "./session.ts";

const measured = new WeakMap<object, number>();

/** @returns bytes of the encoded AttachResponse. */
export function answerBytes(kind: Answer): number {
  switch (kind.case) {
    case "configDelta":
      return inField(configDeltaBytes(kind.value));
    case "peersDelta":
      return inField(peersDeltaBytes(kind.value));
    default:
      return toBinary(AttachResponseSchema, create(AttachResponseSchema, { kind })).byteLength;
  }
}

/** A word for the kind of a message: a label's value. */
export function answerKind(kind: Answer): string {
  switch (kind.case) {
    case "configDelta":
      return kind.value.base === undefined ? "configSnapshot" : "configDelta";
    case "peersDelta":
      return kind.value.base === undefined ? "peersSnapshot" : "peersDelta";
    default:
      return kind.case ?? "none";
  }
}

function configDeltaBytes(delta: ConfigDelta): number {
  const rest = { ...delta, demands: [], capabilities: [] };
  return (
    toBinary(ConfigDeltaSchema, rest).byteLength +
    entriesBytes(DemandEntrySchema, delta.demands) +
    entriesBytes(CapabilityEntrySchema, delta.capabilities)
  );
}

function peersDeltaBytes(delta: PeersDelta): number {
  const rest = toBinary(PeersDeltaSchema, { ...delta, peers: [] }).byteLength;
  return rest + entriesBytes(PeerSchema, delta.peers);
}

function entriesBytes<D extends DescMessage>(
  schema: D,
  entries: readonly MessageShape<D>[],
): number {
  let bytes = 0;
  for (const entry of entries) {
    const known = measured.get(entry);
    const length = known ?? toBinary(schema, entry).byteLength;
    if (known === undefined) measured.set(entry, length);
    bytes += inField(length);
  }
  return bytes;
}

/** With tag and length around it; the tag of each field used here is one byte. */
function inField(bytes: number): number {
  let lengthBytes = 1;
  for (let rest = bytes; rest >= 0x80; rest >>>= 7) lengthBytes += 1;
  return 1 + lengthBytes + bytes;
}
