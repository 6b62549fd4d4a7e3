/**
 * The two opaque names that applications see: a ticket for an item, base64url of a work.v1.Ticket;
 * a lease token for one delivery of it, the ticket, a dot and base64url of a work.v1.LeaseToken.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { LeaseTokenSchema, TicketSchema } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import type { Incarnation, NodeId } from "../ports.ts";
import type { SequenceCounter } from "./ports.ts";
import { refused, type WorkRefusal, type WorkResult } from "./refusal.ts";
import { base64Url, fromBase64Url, isBase64Url, pushVarint } from "./token-bytes.ts";

/** Longest text that is looked at: a node id has at most 63 bytes. */
const maxTextLength = 256;

/** An item's name. */
export interface TicketParts {
  readonly nodeId: NodeId;
  readonly incarnation: Incarnation;
  readonly sequence: number;
}

/** A delivery's name. */
export interface LeaseTokenParts {
  readonly ticket: TicketParts;
  readonly delivery: number;
  readonly providerIncarnation: Incarnation;
}

/**
 * Makes the tickets of one node's start.
 * Cost: about 0.2 µs a ticket, since all but the sequence is encoded once.
 */
export class TicketWriter {
  readonly #head: string;
  readonly #tail: readonly number[];

  constructor(self: { readonly nodeId: NodeId; readonly incarnation: Incarnation }) {
    const bytes: number[] = [];
    const id = utf8(self.nodeId);
    if (id.length > 0) bytes.push(0x0a, id.length, ...id);
    if (self.incarnation > 0) {
      bytes.push(0x10);
      pushVarint(bytes, self.incarnation);
    }
    bytes.push(0x18);
    const whole = bytes.length - (bytes.length % 3);
    this.#head = base64Url(bytes.slice(0, whole));
    this.#tail = bytes.slice(whole);
  }

  /** @param sequence of the item, from 1. */
  write(sequence: number): string {
    const bytes = [...this.#tail];
    pushVarint(bytes, sequence);
    return this.#head + base64Url(bytes);
  }
}

/**
 * Makes the lease tokens of one node's start.
 * Cost: about 0.1 µs a token, for most deliveries are the first.
 */
export class LeaseTokenWriter {
  readonly #incarnation: Incarnation;
  #delivery = -1;
  #tail = "";

  /** @param incarnation of the provider's node. */
  constructor(incarnation: Incarnation) {
    this.#incarnation = incarnation;
  }

  /** @returns undefined when `ticket` cannot be one. */
  write(ticket: string, delivery: number): string | undefined {
    if (ticket.length > maxTextLength || !isBase64Url(ticket)) return undefined;
    if (delivery !== this.#delivery) {
      this.#delivery = delivery;
      this.#tail = tailOf(delivery, this.#incarnation);
    }
    return ticket + this.#tail;
  }
}

function tailOf(delivery: number, incarnation: Incarnation): string {
  const bytes: number[] = [0x08];
  pushVarint(bytes, delivery);
  bytes.push(0x10);
  pushVarint(bytes, incarnation);
  return `.${base64Url(bytes)}`;
}

/** @returns what the text names, or undefined when it is no ticket. */
export function parseTicket(text: string): TicketParts | undefined {
  const bytes = tokenBytes(text);
  if (bytes === undefined) return undefined;
  try {
    return ticketParts(fromBinary(TicketSchema, bytes));
  } catch {
    return undefined;
  }
}

/** @returns what the text names, or undefined when it is no lease token. */
export function parseLeaseToken(text: string): LeaseTokenParts | undefined {
  const dot = text.indexOf(".");
  const ticket = dot < 0 ? undefined : parseTicket(text.slice(0, dot));
  const bytes = ticket === undefined ? undefined : tokenBytes(text.slice(dot + 1));
  if (ticket === undefined || bytes === undefined) return undefined;
  try {
    const { delivery, providerIncarnation } = fromBinary(LeaseTokenSchema, bytes);
    if (delivery === 0) return undefined;
    return { ticket, delivery, providerIncarnation: Number(providerIncarnation) };
  } catch {
    return undefined;
  }
}

/**
 * Which item of this node a ticket names. The caller then looks for the sequence in its queues; in
 * none of them: `droppedOutcome`.
 * @returns the sequence, or UNKNOWN_TICKET (never was), TICKET_ELSEWHERE (naming the node) or
 *   QUEUE_LOST (of an earlier start, which kept nothing).
 */
export function resolveTicket(
  text: string,
  self: { readonly nodeId: NodeId; readonly incarnation: Incarnation },
  sequences: SequenceCounter,
): WorkResult<number> {
  const parts = parseTicket(text);
  if (parts === undefined) {
    return refused({
      code: "UNKNOWN_TICKET",
      detail: "The text is not a ticket. Check how it was passed on.",
    });
  }
  if (parts.nodeId !== self.nodeId) {
    return refused({
      code: "TICKET_ELSEWHERE",
      detail: `The queue of this ticket is at node ${parts.nodeId}. Ask that node's sidecar.`,
      value: parts.nodeId,
    });
  }
  if (parts.incarnation < self.incarnation) {
    return refused({
      code: "QUEUE_LOST",
      detail:
        "The queue was in memory and the sidecar has started again since. Add the item again.",
    });
  }
  if (parts.incarnation > self.incarnation || parts.sequence > sequences.last) {
    return refused({
      code: "UNKNOWN_TICKET",
      detail: "No such ticket was given. Check its source.",
    });
  }
  return { ok: true, value: parts.sequence };
}

/** The refusal for a ticket that was given but is in no queue any more. */
export function droppedOutcome(): WorkRefusal {
  return {
    code: "OUTCOME_DROPPED",
    detail:
      "The item ended and its outcome is no longer kept (retention, or the demand was removed). " +
      "Raise the demand's retention to keep outcomes longer.",
  };
}

/**
 * The refusal for a lease that no pool of this node holds.
 * @returns UNKNOWN_LEASE when it is no lease token, else STALE_LEASE.
 */
export function leaseRefusal(text: string): WorkRefusal {
  return parseLeaseToken(text) === undefined
    ? { code: "UNKNOWN_LEASE", detail: "The text is not a lease. Use the lease of a pulled item." }
    : {
        code: "STALE_LEASE",
        detail: "The lease is no longer held; nothing changed. Drop the item.",
      };
}

function ticketParts(ticket: {
  readonly nodeId: string;
  readonly incarnation: bigint;
  readonly sequence: bigint;
}): TicketParts | undefined {
  const sequence = Number(ticket.sequence);
  const incarnation = Number(ticket.incarnation);
  if (!Number.isSafeInteger(sequence) || sequence < 1 || ticket.nodeId === "") return undefined;
  if (!Number.isSafeInteger(incarnation)) return undefined;
  return { nodeId: ticket.nodeId, incarnation, sequence };
}

function tokenBytes(text: string): Uint8Array | undefined {
  return text.length === 0 || text.length > maxTextLength ? undefined : fromBase64Url(text);
}

/** Node ids are ASCII (`[-A-Za-z0-9.]{1,63}`), checked where they enter. */
function utf8(ascii: string): number[] {
  return Array.from(ascii, (letter) => letter.charCodeAt(0) & 0x7f);
}
