/** Durations of messages ↔ milliseconds. */
import { create } from "@bufbuild/protobuf";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";

/** @returns ms, rounded; undefined stays undefined. */
export function durationMs(duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  return Number(duration.seconds) * 1_000 + Math.round(duration.nanos / 1_000_000);
}

/** @param ms 0 or more. */
export function durationOf(ms: number): Duration {
  const whole = Math.round(ms);
  const seconds = Math.floor(whole / 1_000);
  const nanos = (whole - seconds * 1_000) * 1_000_000;
  return create(DurationSchema, { seconds: BigInt(seconds), nanos });
}
