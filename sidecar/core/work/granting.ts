/** Ready items to links with credit, and what providers are told of what waits. */
import type { Delivery } from "../../../proto/gen/spillway/work/v1/work_pb.ts";
import { creditOf, type DemandLink } from "./demand-links.ts";
import type { DemandState } from "./demand-state.ts";
import type { Item } from "./item.ts";
import { deliver, leaseOf, toProvider } from "./messages.ts";

/**
 * A Deliver message holds at most this many items, and closes after this many bytes of requests.
 */
const maxBatchItems = 256;
const maxBatchBytes = 1_048_576;

/**
 * Grants while there are ready items and credit, a link at a time in turn, then tells links without
 * credit that items wait. Cost: O(log n) an item; links without credit are visited once per
 * backlog.
 */
export function grantReady(state: DemandState, nowMs: number): void {
  const { store, links } = state;
  const open = !state.paused && !state.closed;
  if (open && store.ready.grantable > 0) {
    const touched: DemandLink[] = [];
    for (;;) {
      const link = links.nextWithCredit();
      if (link === undefined) break;
      const item = store.ready.next(nowMs);
      if (item === undefined) break;
      if (link.outbox.length === 0) touched.push(link);
      links.countDelivery(link, grant(state, { item, link, nowMs }));
    }
    for (const link of touched) flush(state, link);
  }
  tellBacklogOver(state);
  if (open && store.ready.grantable > 0) {
    for (const link of links.takeUntold()) sendBacklog(state, link, store.ready.grantable);
  }
}

function grant(
  state: DemandState,
  to: { readonly item: Item; readonly link: DemandLink; readonly nowMs: number },
): Delivery {
  const { item, link, nowMs } = to;
  const provider = link.provider;
  if (provider === undefined) throw new Error("a link with credit has a provider");
  item.delivery += 1;
  const wire = leaseOf(item.sequence, item.delivery);
  state.store.lease(item, {
    wire,
    provider,
    started: false,
    untilMs: nowMs + state.options.lease.durationMs,
    runtimeUntilMs: Infinity,
    progressUntilMs: Infinity,
    end: undefined,
    previous: undefined,
  });
  state.counters.granted += 1;
  const delivery: Delivery = {
    $typeName: "spillway.work.v1.Delivery",
    lease: wire,
    ticket: item.ticket,
    request: item.request,
    attempt: item.failed + 1,
    traceparent: item.traceparent,
  };
  if (item.deadlineAtMs !== Infinity) {
    delivery.deadlineMs = Math.max(1, Math.ceil(item.deadlineAtMs - nowMs));
  }
  return delivery;
}

function flush(state: DemandState, link: DemandLink): void {
  const outbox = link.outbox;
  link.outbox = [];
  let batch: Delivery[] = [];
  let bytes = 0;
  for (const delivery of outbox) {
    const full = batch.length >= maxBatchItems || bytes + delivery.request.length > maxBatchBytes;
    if (full && batch.length > 0) {
      state.send(link.link, deliver(batch));
      batch = [];
      bytes = 0;
    }
    batch.push(delivery);
    bytes += delivery.request.length;
  }
  if (batch.length > 0) state.send(link.link, deliver(batch));
}

/**
 * A provider that believes in a backlog and gave credit for nothing takes it elsewhere once told.
 */
function tellBacklogOver(state: DemandState): void {
  if (state.credited.length === 0) return;
  for (const link of state.credited) {
    if (!link.backlogTold || link.phase !== "admitted" || creditOf(link) === 0) continue;
    state.links.backlogOver(link);
    sendBacklog(state, link, 0);
  }
  state.credited = [];
}

function sendBacklog(state: DemandState, link: DemandLink, ready: number): void {
  state.send(
    link.link,
    toProvider({ case: "backlog", value: { $typeName: "spillway.work.v1.Backlog", ready } }),
  );
}
