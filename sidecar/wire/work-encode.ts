/**
 * The five messages that every item sends, written by hand: the generated codec takes several times
 * as long for them. Same bytes as the generated codec's (a test compares); whatever is out of the
 * ordinary is left to it.
 */
import type {
  Complete,
  Credit,
  Deliver,
  Delivery,
  Lease,
  Settled,
  Started,
  ToDemand,
  ToProvider,
} from "../../proto/gen/spillway/work/v1/work_pb.ts";
import { varintSize, writeVarint } from "./frame.ts";

/** Field numbers and wire types of proto/spillway/work/v1/work.proto: `(number << 3) | type`. */
export const workTag = {
  toDemand: { credit: 0x12, started: 0x1a, complete: 0x22 },
  toProvider: { deliver: 0x2a, settled: 0x32 },
  lease: { sequence: 0x08, delivery: 0x10 },
  credit: { limit: 0x08, revision: 0x10 },
  started: { leases: 0x0a },
  complete: { lease: 0x0a, result: 0x12 },
  deliver: { items: 0x0a },
  delivery: {
    lease: 0x0a,
    ticket: 0x12,
    request: 0x1a,
    attempt: 0x20,
    deadlineMs: 0x28,
    traceparent: 0x32,
  },
  settled: { leases: 0x0a, status: 0x10, state: 0x1a },
} as const;

/** @returns undefined when the generated codec has to write it. */
export function encodeHotToDemand({ kind, $unknown }: ToDemand): Uint8Array | undefined {
  if ($unknown !== undefined) return undefined;
  switch (kind.case) {
    case "credit":
      return encodeCredit(kind.value);
    case "started":
      return encodeStarted(kind.value);
    case "complete":
      return encodeComplete(kind.value);
    default:
      return undefined;
  }
}

/** @returns undefined when the generated codec has to write it. */
export function encodeHotToProvider({ kind, $unknown }: ToProvider): Uint8Array | undefined {
  if ($unknown !== undefined) return undefined;
  switch (kind.case) {
    case "deliver":
      return encodeDeliver(kind.value);
    case "settled":
      return encodeSettled(kind.value);
    default:
      return undefined;
  }
}

function encodeCredit({ limit, revision, $unknown }: Credit): Uint8Array | undefined {
  const limitNumber = Number(limit);
  if ($unknown !== undefined || !isUint32(limitNumber) || !isUint32(revision)) return undefined;
  const writer = new Writer(
    workTag.toDemand.credit,
    numberFieldSize(limitNumber) + numberFieldSize(revision),
  );
  writer.number(workTag.credit.limit, limitNumber);
  writer.number(workTag.credit.revision, revision);
  return writer.bytes;
}

function encodeStarted({ leases, $unknown }: Started): Uint8Array | undefined {
  if ($unknown !== undefined || !leases.every(isPlainLease)) return undefined;
  const writer = new Writer(workTag.toDemand.started, leasesSize(leases));
  for (const lease of leases) writer.lease(workTag.started.leases, lease);
  return writer.bytes;
}

function encodeComplete({ lease, result, $unknown }: Complete): Uint8Array | undefined {
  if ($unknown !== undefined || !isPlainLease(lease)) return undefined;
  const writer = new Writer(
    workTag.toDemand.complete,
    2 + leaseSize(lease) + chunkFieldSize(result.length),
  );
  writer.lease(workTag.complete.lease, lease);
  writer.chunk(workTag.complete.result, result);
  return writer.bytes;
}

function encodeSettled({ leases, status, state, $unknown }: Settled): Uint8Array | undefined {
  const odd = $unknown !== undefined || !leases.every(isPlainLease) || !isUint32(status);
  if (odd || !isAscii(state)) return undefined;
  const writer = new Writer(
    workTag.toProvider.settled,
    leasesSize(leases) + numberFieldSize(status) + chunkFieldSize(state.length),
  );
  for (const lease of leases) writer.lease(workTag.settled.leases, lease);
  writer.number(workTag.settled.status, status);
  writer.ascii(workTag.settled.state, state);
  return writer.bytes;
}

function encodeDeliver({ items, $unknown }: Deliver): Uint8Array | undefined {
  if ($unknown !== undefined) return undefined;
  let sizeBytes = 0;
  const sizes: number[] = [];
  for (const item of items) {
    const size = deliverySize(item);
    if (size === undefined) return undefined;
    sizes.push(size);
    sizeBytes += 1 + varintSize(size) + size;
  }
  const writer = new Writer(workTag.toProvider.deliver, sizeBytes);
  for (const [index, item] of items.entries()) {
    writer.head(workTag.deliver.items, sizes[index] ?? 0);
    writeDelivery(writer, item);
  }
  return writer.bytes;
}

/** @returns bytes of an item without its head; undefined when it is out of the ordinary. */
function deliverySize(item: Delivery): number | undefined {
  const { lease, ticket, request, attempt, deadlineMs = 0, traceparent } = item;
  const odd = item.$unknown !== undefined || !isPlainLease(lease) || !isUint32(attempt);
  if (odd || !isUint32(deadlineMs) || !isAscii(ticket) || !isAscii(traceparent)) return undefined;
  const deadlineSize = item.deadlineMs === undefined ? 0 : 1 + varintSize(deadlineMs);
  return (
    2 +
    leaseSize(lease) +
    chunkFieldSize(ticket.length) +
    chunkFieldSize(request.length) +
    numberFieldSize(attempt) +
    deadlineSize +
    chunkFieldSize(traceparent.length)
  );
}

function writeDelivery(writer: Writer, item: Delivery): void {
  if (item.lease !== undefined) writer.lease(workTag.delivery.lease, item.lease);
  writer.ascii(workTag.delivery.ticket, item.ticket);
  writer.chunk(workTag.delivery.request, item.request);
  writer.number(workTag.delivery.attempt, item.attempt);
  // The only field with presence: a zero is written too.
  if (item.deadlineMs !== undefined) writer.head(workTag.delivery.deadlineMs, item.deadlineMs);
  writer.ascii(workTag.delivery.traceparent, item.traceparent);
}

/** Fills a message whose size is known. Fields at their default are left out, as proto3 does. */
class Writer {
  readonly bytes: Uint8Array;
  #at: number;

  constructor(kindTag: number, bodyBytes: number) {
    this.bytes = takeRoom(1 + varintSize(bodyBytes) + bodyBytes);
    this.bytes[0] = kindTag;
    this.#at = writeVarint(this.bytes, 1, bodyBytes);
  }

  head(tag: number, value: number): void {
    this.bytes[this.#at] = tag;
    this.#at = writeVarint(this.bytes, this.#at + 1, value);
  }

  number(tag: number, value: number): void {
    if (value !== 0) this.head(tag, value);
  }

  chunk(tag: number, value: Uint8Array): void {
    if (value.length === 0) return;
    this.head(tag, value.length);
    this.bytes.set(value, this.#at);
    this.#at += value.length;
  }

  ascii(tag: number, text: string): void {
    if (text === "") return;
    this.head(tag, text.length);
    const { bytes } = this;
    let at = this.#at;
    for (let index = 0; index < text.length; index += 1) bytes[at++] = text.charCodeAt(index);
    this.#at = at;
  }

  lease(tag: number, lease: Lease): void {
    this.head(tag, leaseSize(lease));
    this.number(workTag.lease.sequence, Number(lease.sequence));
    this.number(workTag.lease.delivery, lease.delivery);
  }
}

/** Memory of its own for each message would cost more than all that is written into it. */
const roomBytes = 8 * 1024;
let room = new ArrayBuffer(0);
let roomUsed = 0;

/** @returns zeroed bytes that are given out once; small ones lie side by side in 8 KiB. */
function takeRoom(sizeBytes: number): Uint8Array {
  if (sizeBytes > roomBytes / 8) return new Uint8Array(sizeBytes);
  if (roomUsed + sizeBytes > room.byteLength) {
    room = new ArrayBuffer(roomBytes);
    roomUsed = 0;
  }
  const bytes = new Uint8Array(room, roomUsed, sizeBytes);
  roomUsed += sizeBytes;
  return bytes;
}

/** At most 12 bytes, so that its length takes one. */
function leaseSize({ sequence, delivery }: Lease): number {
  return numberFieldSize(Number(sequence)) + numberFieldSize(delivery);
}

/** Bytes of a list of leases, each with its head. */
function leasesSize(leases: readonly Lease[]): number {
  let sizeBytes = 0;
  for (const lease of leases) sizeBytes += 2 + leaseSize(lease);
  return sizeBytes;
}

function numberFieldSize(value: number): number {
  return value === 0 ? 0 : 1 + varintSize(value);
}

function chunkFieldSize(sizeBytes: number): number {
  return sizeBytes === 0 ? 0 : 1 + varintSize(sizeBytes) + sizeBytes;
}

function isPlainLease(lease: Lease | undefined): lease is Lease {
  if (lease === undefined || lease.$unknown !== undefined) return false;
  return isUint32(Number(lease.sequence)) && isUint32(lease.delivery);
}

function isUint32(value: number): boolean {
  return value >>> 0 === value;
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) >= 0x80) return false;
  }
  return true;
}
