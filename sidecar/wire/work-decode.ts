/**
 * The five messages that every item sends, read by hand. Understood is only what work-encode.ts
 * writes: fields in order, none twice, none unknown, no number spelled longer than needed. Anything
 * else is left to the generated codec, so what a peer may send is what that codec takes.
 */
import type {
  Delivery,
  Lease,
  SettledStatus,
  ToDemand,
  ToProvider,
} from "../../proto/gen/spillway/work/v1/work_pb.ts";
import { readVarint, varintSize } from "./frame.ts";
import type { PayloadRoom } from "./payload-room.ts";
import { workTag } from "./work-encode.ts";

/** @returns undefined when the generated codec has to read it. Payloads are copies in `room`. */
export function decodeHotToDemand(bytes: Uint8Array, room: PayloadRoom): ToDemand | undefined {
  const reader = new Reader(bytes, room);
  let kind: ToDemand["kind"] | undefined;
  if (reader.chunk(workTag.toDemand.started)) kind = readStarted(reader);
  else if (reader.chunk(workTag.toDemand.complete)) kind = readComplete(reader);
  else if (reader.chunk(workTag.toDemand.credit)) kind = readCredit(reader);
  if (kind === undefined || !reader.done) return undefined;
  return { $typeName: "spillway.work.v1.ToDemand", kind };
}

/** @returns undefined when the generated codec has to read it. Payloads are copies in `room`. */
export function decodeHotToProvider(bytes: Uint8Array, room: PayloadRoom): ToProvider | undefined {
  const reader = new Reader(bytes, room);
  let kind: ToProvider["kind"] | undefined;
  if (reader.chunk(workTag.toProvider.settled)) kind = readSettled(reader);
  else if (reader.chunk(workTag.toProvider.deliver)) kind = readDeliver(reader);
  if (kind === undefined || !reader.done) return undefined;
  return { $typeName: "spillway.work.v1.ToProvider", kind };
}

function readStarted(reader: Reader): ToDemand["kind"] {
  const leases = reader.leases(workTag.started.leases);
  return { case: "started", value: { $typeName: "spillway.work.v1.Started", leases } };
}

function readComplete(reader: Reader): ToDemand["kind"] | undefined {
  const lease = reader.lease(workTag.complete.lease);
  if (lease === undefined) return undefined;
  const result = reader.payload(workTag.complete.result);
  return { case: "complete", value: { $typeName: "spillway.work.v1.Complete", lease, result } };
}

function readCredit(reader: Reader): ToDemand["kind"] {
  const limit = BigInt(reader.number(workTag.credit.limit));
  const revision = reader.number(workTag.credit.revision);
  return { case: "credit", value: { $typeName: "spillway.work.v1.Credit", limit, revision } };
}

function readSettled(reader: Reader): ToProvider["kind"] {
  const leases = reader.leases(workTag.settled.leases);
  const status = reader.number(workTag.settled.status) as SettledStatus;
  const state = reader.ascii(workTag.settled.state);
  const value = { $typeName: "spillway.work.v1.Settled", leases, status, state } as const;
  return { case: "settled", value };
}

function readDeliver(reader: Reader): ToProvider["kind"] | undefined {
  const items: Delivery[] = [];
  const { end } = reader;
  while (reader.at < end) {
    if (!reader.chunk(workTag.deliver.items)) return undefined;
    const item = readDelivery(reader);
    if (item === undefined || reader.at !== reader.end) return undefined;
    items.push(item);
    reader.end = end;
  }
  return { case: "deliver", value: { $typeName: "spillway.work.v1.Deliver", items } };
}

function readDelivery(reader: Reader): Delivery | undefined {
  const tag = workTag.delivery;
  const lease = reader.lease(tag.lease);
  if (lease === undefined) return undefined;
  const ticket = reader.ascii(tag.ticket);
  const request = reader.payload(tag.request);
  const attempt = reader.number(tag.attempt);
  const hasDeadline = reader.next === tag.deadlineMs;
  const deadlineMs = hasDeadline ? reader.number(tag.deadlineMs, 0) : 0;
  const traceparent = reader.ascii(tag.traceparent);
  const $typeName = "spillway.work.v1.Delivery";
  return hasDeadline
    ? { $typeName, lease, ticket, request, attempt, deadlineMs, traceparent }
    : { $typeName, lease, ticket, request, attempt, traceparent };
}

/**
 * Reads field after field up to `end`. What it does not understand stays unread, and `done` false;
 * values read after that mean nothing.
 */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #room: PayloadRoom;
  readonly #size: number;
  at = 0;
  end: number;

  constructor(bytes: Uint8Array, room: PayloadRoom) {
    this.#bytes = bytes;
    this.#room = room;
    this.#size = bytes.length;
    this.end = bytes.length;
  }

  /** True when everything was understood. */
  get done(): boolean {
    return this.at === this.#size;
  }

  /** The next tag; -1 at the end. */
  get next(): number {
    return this.at < this.end ? (this.#bytes[this.at] ?? -1) : -1;
  }

  /**
   * Enters a field that holds bytes: `end` is the field's own.
   * @returns false when it is not next.
   */
  chunk(tag: number): boolean {
    if (this.next !== tag) return false;
    const length = readVarint(this.#bytes, this.at + 1, this.end);
    const start = this.at + 1 + varintSize(length);
    if (length < 0 || start + length > this.end) return false;
    this.at = start;
    this.end = start + length;
    return true;
  }

  /** @param least a default value is never written, so one that is there is left unread. */
  number(tag: number, least = 1): number {
    if (this.next !== tag) return 0;
    const value = readVarint(this.#bytes, this.at + 1, this.end);
    if (value < least) return 0;
    this.at += 1 + varintSize(value);
    return value;
  }

  /** @returns a copy. */
  payload(tag: number): Uint8Array {
    const { end } = this;
    if (!this.#filled(tag)) return new Uint8Array(0);
    const payload = this.#room.copy(this.#bytes, this.at, this.end);
    this.at = this.end;
    this.end = end;
    return payload;
  }

  ascii(tag: number): string {
    const { at, end } = this;
    if (!this.#filled(tag)) return "";
    const bytes = this.#bytes;
    for (let index = this.at; index < this.end; index += 1) {
      if ((bytes[index] ?? 0) >= 0x80) {
        this.at = at;
        this.end = end;
        return "";
      }
    }
    const text = latin1(bytes, this.at, this.end);
    this.at = this.end;
    this.end = end;
    return text;
  }

  /** All that follow one another. */
  leases(tag: number): Lease[] {
    const leases: Lease[] = [];
    for (let lease = this.lease(tag); lease !== undefined; lease = this.lease(tag)) {
      leases.push(lease);
    }
    return leases;
  }

  /** @returns undefined when there is none, or none that is understood. */
  lease(tag: number): Lease | undefined {
    const { at, end } = this;
    if (!this.chunk(tag)) return undefined;
    const sequence = BigInt(this.number(workTag.lease.sequence));
    const delivery = this.number(workTag.lease.delivery);
    const understood = this.at === this.end;
    this.end = end;
    if (understood) return { $typeName: "spillway.work.v1.Lease", sequence, delivery };
    this.at = at;
    return undefined;
  }

  /** As `chunk`, but an empty field, which is never written, is left unread. */
  #filled(tag: number): boolean {
    const { at, end } = this;
    if (!this.chunk(tag)) return false;
    if (this.at < this.end) return true;
    this.at = at;
    this.end = end;
    return false;
  }
}

/** The longest text that is put together letter by letter faster than by a Buffer. */
const shortText = 12;

function latin1(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > shortText) {
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
  }
  let text = "";
  for (let at = start; at < end; at += 1) text += String.fromCharCode(bytes[at] ?? 0);
  return text;
}
