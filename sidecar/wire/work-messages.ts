/**
 * Work messages ↔ bytes. What a peer sent is bounded here, so that the engines need not distrust
 * it. The messages of every item go by hand (work-encode.ts, work-decode.ts), all others by the
 * generated codec.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type ToDemand,
  ToDemandSchema,
  type ToProvider,
  ToProviderSchema,
} from "../../proto/gen/spillway/work/v1/work_pb.ts";
import { PayloadRoom } from "./payload-room.ts";
import { decodeHotToDemand, decodeHotToProvider } from "./work-decode.ts";
import { encodeHotToDemand, encodeHotToProvider } from "./work-encode.ts";

/** Bounds of work messages; docs/limits.md lists them. */
export const workMessageLimits = {
  /** Leases of one Renew, Started, Hello, Admit or Settled. */
  leases: 1_000,
  /** Items of one Deliver. */
  deliveries: 1_000,
  /** Names, codes, tickets and trace contexts, characters. */
  nameLength: 512,
  /** Sentences and error messages, characters. */
  sentenceLength: 4_096,
  /** JSON details of an application error, characters. */
  detailsLength: 16 * 1024,
} as const;

/** A message, or why the bytes are none. */
export type WorkDecodeResult<M> =
  | { readonly ok: true; readonly value: M }
  | { readonly ok: false; readonly reason: string };

/** @returns bytes that nobody else holds. */
export function encodeToDemand(message: ToDemand): Uint8Array {
  return encodeHotToDemand(message) ?? toBinary(ToDemandSchema, message);
}

/** @returns bytes that nobody else holds. */
export function encodeToProvider(message: ToProvider): Uint8Array {
  return encodeHotToProvider(message) ?? toBinary(ToProviderSchema, message);
}

/**
 * @param bytes may be a view that ends with the turn: payloads of the result are copies.
 * @param room the queue's or pool's own, where the copies lie.
 */
export function decodeToDemand(
  bytes: Uint8Array,
  room: PayloadRoom = new PayloadRoom(),
): WorkDecodeResult<ToDemand> {
  const hot = decodeHotToDemand(bytes, room);
  return hot === undefined
    ? decode(bytes, (copy) => fromBinary(ToDemandSchema, copy), breachOfToDemand)
    : bounded(hot, breachOfToDemand);
}

/**
 * @param bytes may be a view that ends with the turn: payloads of the result are copies.
 * @param room the queue's or pool's own, where the copies lie.
 */
export function decodeToProvider(
  bytes: Uint8Array,
  room: PayloadRoom = new PayloadRoom(),
): WorkDecodeResult<ToProvider> {
  const hot = decodeHotToProvider(bytes, room);
  return hot === undefined
    ? decode(bytes, (copy) => fromBinary(ToProviderSchema, copy), breachOfToProvider)
    : bounded(hot, breachOfToProvider);
}

function decode<M extends { kind: { case?: string | undefined } }>(
  bytes: Uint8Array,
  parse: (copy: Uint8Array) => M,
  breachOf: (message: M) => string | undefined,
): WorkDecodeResult<M> {
  let value: M;
  try {
    // One copy of the whole: the decoder makes payload fields views of what it reads.
    value = parse(new Uint8Array(bytes));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, reason: `no work message: ${reason}` };
  }
  // A kind of a later version is no fault of its sender's: the engines leave it be.
  return bounded(value, breachOf);
}

function bounded<M>(value: M, breachOf: (message: M) => string | undefined): WorkDecodeResult<M> {
  const breach = breachOf(value);
  return breach === undefined ? { ok: true, value } : { ok: false, reason: breach };
}

function breachOfToDemand(message: ToDemand): string | undefined {
  const kind = message.kind;
  switch (kind.case) {
    case "hello":
      return (
        tooMany("held leases", kind.value.held.length, workMessageLimits.leases) ??
        tooLong("demand", kind.value.demand, workMessageLimits.nameLength) ??
        tooLong("request", kind.value.request, workMessageLimits.nameLength) ??
        tooLong("response", kind.value.response, workMessageLimits.nameLength) ??
        tooLong("capability", kind.value.capability, workMessageLimits.nameLength)
      );
    case "renew":
    case "started":
      return tooMany("leases", kind.value.leases.length, workMessageLimits.leases);
    case "fail":
    case "reject":
      return (
        tooLong("error code", kind.value.error?.code ?? "", workMessageLimits.nameLength) ??
        tooLong("error", kind.value.error?.message ?? "", workMessageLimits.sentenceLength) ??
        tooLong("details", kind.value.error?.details ?? "", workMessageLimits.detailsLength)
      );
    case "obstacle":
      return tooLong("obstacle", kind.value.detail, workMessageLimits.sentenceLength);
    case "release":
    case "leave":
      return tooLong("reason", kind.value.reason, workMessageLimits.sentenceLength);
    case "credit":
    case "complete":
    case undefined:
      return undefined;
    default:
      return undefined;
  }
}

function breachOfToProvider(message: ToProvider): string | undefined {
  const kind = message.kind;
  switch (kind.case) {
    case "deliver":
      return (
        tooMany("items", kind.value.items.length, workMessageLimits.deliveries) ??
        kind.value.items
          .map((item) => tooLong("ticket", item.ticket, workMessageLimits.nameLength))
          .find((breach) => breach !== undefined)
      );
    case "admit":
      return tooMany("kept leases", kind.value.kept.length, workMessageLimits.leases);
    case "settled":
      return tooMany("leases", kind.value.leases.length, workMessageLimits.leases);
    case "draining":
    case "incompatible":
    case "cancel":
      return tooLong("reason", kind.value.reason, workMessageLimits.sentenceLength);
    default:
      return undefined;
  }
}

function tooMany(what: string, count: number, max: number): string | undefined {
  return count > max ? `${String(count)} ${what}; at most ${String(max)}` : undefined;
}

function tooLong(what: string, text: string, max: number): string | undefined {
  return text.length > max
    ? `${what} of ${String(text.length)} characters; at most ${String(max)}`
    : undefined;
}
