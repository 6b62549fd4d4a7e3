/**
 * What an added item must be like; every bound of its options, each refusal naming field and bound.
 */
import type { AddItemOptions } from "./demand-events.ts";
import type { DemandOptions } from "./demand-options.ts";
import { maxDurationMs } from "./option-bound.ts";
import type { WorkRefusal } from "./refusal.ts";

/** Longest of the text options, characters. */
const maxTextLength = 256;

/** Priority of an item that names none. */
export const defaultPriority = 4;

/** @returns why the item is refused whatever room there is, or undefined. */
export function refuseItem(
  request: Uint8Array,
  options: AddItemOptions,
  bounds: DemandOptions["queue"],
): WorkRefusal | undefined {
  const largest = Math.min(bounds.maxPayloadBytes, bounds.maxBytes);
  if (request.length > largest) {
    return {
      code: "PAYLOAD_TOO_LARGE",
      detail: `The request has ${String(request.length)} bytes; the bound is ${String(largest)}. Send less.`,
      bound: largest,
      value: request.length,
    };
  }
  return (
    refuseNumber("priority", options.priority, 0, 9) ??
    refuseNumber("delay", options.delayMs, 0, maxDurationMs) ??
    refuseNumber("deadline", options.deadlineMs, 1, maxDurationMs) ??
    refuseText("idempotencyKey", options.idempotencyKey) ??
    refuseText("orderingKey", options.orderingKey) ??
    refuseText("traceparent", options.traceparent) ??
    refuseText("submitter", options.submitter) ??
    refuseFairness(options.fairnessKey)
  );
}

function refuseNumber(
  field: string,
  value: number | undefined,
  min: number,
  max: number,
): WorkRefusal | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) {
    return undefined;
  }
  return {
    code: "INVALID_ARGUMENT",
    detail: `${field} is ${String(value)}; it must be a whole number from ${String(min)} to ${String(max)}.`,
    bound: value < min ? min : max,
    value,
  };
}

function refuseText(field: string, value: string | undefined): WorkRefusal | undefined {
  if (value === undefined || (value.length > 0 && value.length <= maxTextLength)) return undefined;
  return {
    code: "INVALID_ARGUMENT",
    detail: `${field} has ${String(value.length)} characters; it must have 1 to ${String(maxTextLength)}.`,
    bound: maxTextLength,
    value: value.length,
  };
}

function refuseFairness(value: string | undefined): WorkRefusal | undefined {
  if (value === undefined) return undefined;
  return {
    code: "INVALID_ARGUMENT",
    detail: "Fairness keys are not built yet, and are not ignored silently. Leave the option out.",
  };
}

/**
 * A digest of a request, to tell copies from conflicts of one idempotency key.
 * @returns an integer, 0 … 2^53 − 1. Not cryptographic: both texts come from the same application.
 * Cost: one pass. Source: Bryc, cyrb53.
 */
export function digestOf(bytes: Uint8Array): number {
  let high = 0xdeadbeef ^ bytes.length;
  let low = 0x41c6ce57 ^ bytes.length;
  for (const byte of bytes) {
    high = Math.imul(high ^ byte, 2654435761);
    low = Math.imul(low ^ byte, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}
