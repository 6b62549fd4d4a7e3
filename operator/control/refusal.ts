import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Refusal,
  type RefusalCode,
  RefusalCodeSchema,
  RefusalSchema,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";

/** Longest sentence of a refusal, in characters. */
const maxMessageLength = 1_024;

/** What a refusal says besides code and sentence. */
export interface RefusalDetails {
  /** At the earliest, from now. */
  readonly retryAfterMs?: number;
  /** `IP:PORT`. */
  readonly leaderAddress?: string;
  /** Of the resource. */
  readonly uid?: string;
}

/**
 * A refusal as a sidecar gets it.
 * @param message what was refused, its value, its bound, the remedy. No token, key or payload.
 */
export function refusal(code: RefusalCode, message: string, details: RefusalDetails = {}): Refusal {
  const { retryAfterMs, leaderAddress = "", uid = "" } = details;
  return create(RefusalSchema, {
    code,
    message: message.slice(0, maxMessageLength),
    leaderAddress,
    uid,
    ...(retryAfterMs === undefined ? {} : { retryAfter: durationFromMs(Math.ceil(retryAfterMs)) }),
  });
}

/** @returns the name of a refusal's code, as logs and metrics have it. */
export function codeName({ code }: Refusal): string {
  return RefusalCodeSchema.value[code]?.localName ?? "UNKNOWN";
}
