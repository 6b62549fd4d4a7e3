/** Options of a Capability, their defaults and bounds, and what its function is given. */
import type { Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { MessageInput } from "../wire/message-codec.ts";

/**
 * A Capability. In sidecar mode the manifests of the sidecar decide `maxDemands`, and `concurrency`
 * is bounded by theirs.
 */
export interface CapabilityOptions<Req extends Message, Res extends Message> {
  /** Generated schema of the message that is taken. */
  readonly request: GenMessage<Req>;
  /** Generated schema of the message that is given back. */
  readonly response: GenMessage<Res>;
  /** @default the request message's name in kebab-case */
  readonly name?: string;
  /** Items worked on at once, 1 to 1,000. @default 1 */
  readonly concurrency?: number;
  /** Queues joined at most, 1 to 1,000. @default 8 */
  readonly maxDemands?: number;
}

/** What a capability function is told beyond the item. */
export interface WorkContext {
  /** Aborts when the work is of no use any more: cancelled, lease lost, program closing. */
  readonly signal: AbortSignal;
  /** From 1. Attempts before it failed: at least once means that they may have done the work. */
  readonly attempt: number;
  /** The item's public id. */
  readonly ticket: string;
  /** What remained of the item's deadline when it was taken, ms; undefined: none. */
  readonly deadlineMs: number | undefined;
  /** W3C trace context of the item; undefined: none. */
  readonly traceparent: string | undefined;
  /**
   * Says that the work goes on; needed only where the Demand has a progressTimeout.
   * @param progress one sentence, for status.
   */
  readonly heartbeat: (progress?: string) => Promise<void>;
}

/**
 * Does the work of one item. What it throws is a failed attempt that may be tried again, unless it
 * is a RejectError.
 */
export type CapabilityFunction<Req extends Message, Res extends Message> = (
  item: Req,
  context: WorkContext,
) => MessageInput<Res> | Promise<MessageInput<Res>>;
