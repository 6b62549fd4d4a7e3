/** Items as their producer sees them. */
import type { KnownItem } from "./ended-item.ts";
import { Item, type ItemSnapshot } from "./item.ts";
import type { TicketWriter } from "./ticket.ts";

/** An item as its producer sees it. */
export function itemSnapshot(item: KnownItem, tickets: TicketWriter): ItemSnapshot {
  const pending = item instanceof Item;
  const provider = pending ? item.lease?.provider : item.provider;
  return {
    sequence: item.sequence,
    ticket: pending ? item.ticket : tickets.write(item.sequence),
    state: item.state,
    acquired: item.acquired,
    failed: item.failed,
    priority: item.priority,
    createdAtMs: item.createdAtMs,
    delayedUntilMs: item.state === "delayed" ? item.delayedUntilMs : undefined,
    provider: provider?.nodeId,
    submitter: item.submitter,
    outcome: item.outcome,
  };
}
