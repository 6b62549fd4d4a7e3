/** How an item ended, as the producer sees it. */
import type { Message } from "@bufbuild/protobuf";
import type { ApplicationErrorView } from "../api/ports.ts";
import { assertNever } from "../core/ports.ts";
import type { MessageCodec } from "../wire/message-codec.ts";

/** An error of the application that did the work. */
export interface ApplicationError {
  /** The application's own code. */
  readonly code: string;
  readonly message: string;
  /** True when the attempts were used up, false when the item was rejected. */
  readonly retryable: boolean;
  /** What `details` was at the provider; undefined when there was none. */
  readonly details: unknown;
}

/** Why there is neither a result nor an error of the application. */
export interface SystemError {
  /**
   * From the queue: `CANCELLED`, `DEADLINE_EXCEEDED`, `ATTEMPTS_EXHAUSTED`, `QUEUE_FULL`,
   * `QUEUE_LOST`, `UNKNOWN_DEMAND`, `IDEMPOTENCY_CONFLICT`, `PAYLOAD_TOO_LARGE`, `INVALID_PAYLOAD`,
   * `DRAINING`, … (docs/errors.md). From the SDK: `DEMAND_CLOSED`, `SIDECAR_UNREACHABLE`,
   * `CONTRACT_MISMATCH`, `INVALID_RESULT`, `NODE_FAILED`.
   */
  readonly code: string;
  readonly message: string;
}

/** What a run of an item came to: exactly one of the three. */
export type Outcome<Res> = {
  /** 1, and one more with each redrive; 0 when the item was never taken into a queue. */
  readonly run: number;
  /** Node that did the work, where one is known. */
  readonly provider?: string;
} & (
  | { readonly kind: "result"; readonly result: Res }
  | { readonly kind: "error"; readonly error: ApplicationError }
  | { readonly kind: "system"; readonly system: SystemError }
);

/** A message as a backend got it. */
export type EncodedMessage =
  | { readonly encoding: "binary"; readonly bytes: Uint8Array }
  | { readonly encoding: "json"; readonly json: unknown };

/** An outcome before its result is decoded. */
export type CarriedOutcome = { readonly run: number; readonly provider?: string } & (
  | { readonly kind: "result"; readonly result: EncodedMessage }
  | { readonly kind: "error"; readonly error: ApplicationErrorView }
  | { readonly kind: "system"; readonly system: SystemError }
);

/** A system outcome of the SDK's own: the item never came into a queue, or left its sight. */
export function systemOutcome(code: string, message: string, run = 0): CarriedOutcome {
  return { run, kind: "system", system: { code, message } };
}

/** Decodes what was carried as bytes or JSON. @throws {Error} when it is no such message. */
export function decodeMessage<M extends Message>(
  codec: MessageCodec<M>,
  message: EncodedMessage,
): M {
  return message.encoding === "binary"
    ? codec.fromBinary(message.bytes)
    : codec.fromJson(message.json);
}

/** The typed outcome. A result that this program's contract cannot read is `INVALID_RESULT`. */
export function decodeOutcome<Res extends Message>(
  codec: MessageCodec<Res>,
  carried: CarriedOutcome,
): Outcome<Res> {
  const from = {
    run: carried.run,
    ...(carried.provider === undefined ? {} : { provider: carried.provider }),
  };
  switch (carried.kind) {
    case "result":
      try {
        return { ...from, kind: "result", result: decodeMessage(codec, carried.result) };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const message = `The result is no ${codec.typeName}: ${reason}.`;
        return { ...from, kind: "system", system: { code: "INVALID_RESULT", message } };
      }
    case "error": {
      const { code, message, retryable, details } = carried.error;
      return {
        ...from,
        kind: "error",
        error: { code, message, retryable, details: parseDetails(details) },
      };
    }
    case "system":
      return { ...from, kind: "system", system: carried.system };
    default:
      return assertNever(carried);
  }
}

function parseDetails(details: string): unknown {
  if (details === "") {
    return undefined;
  }
  try {
    return JSON.parse(details);
  } catch {
    return details;
  }
}
