/**
 * Why an item does not move. Facts without words: the times become dates where both clocks are.
 * Source of the list: design/work.md, `explain`.
 */
import { creditOf, type DemandLink } from "./demand-links.ts";
import type { DemandState } from "./demand-state.ts";
import type { KnownItem } from "./ended-item.ts";
import type { DemandProvider, Item, ItemState } from "./item.ts";

/** Reasons of one kind that are told at most: a provider each. */
const maxOfOneKind = 10;

/** One thing that keeps an item where it is, or what happens to it now. */
export type Reason =
  /** It waits for its time: a delay, or the backoff after a failed attempt. */
  | { readonly code: "DELAYED"; readonly remainingMs: number; readonly failed: number }
  /** An earlier item of its ordering key is not over. */
  | {
      readonly code: "ORDERING_KEY_BLOCKED";
      readonly ticket: string;
      /** State of that item. */
      readonly state: ItemState;
    }
  /** Nothing is granted. */
  | { readonly code: "PAUSED" }
  /** Nobody new is let in; who is connected goes on. */
  | { readonly code: "DRAINING" }
  | { readonly code: "NO_PROVIDER" }
  /** Providers are connected, nothing is said against them, and none gives credit. */
  | {
      readonly code: "NO_CREDIT";
      readonly connected: number;
      /** Worker slots that they have together. */
      readonly slots: number;
      /** Items of this demand that they hold. */
      readonly leased: number;
    }
  /** A connected provider's application cannot be given items. */
  | {
      readonly code: "APPLICATION_NOT_LISTENING" | "APPLICATION_NOT_READY";
      readonly provider: string;
      readonly capability: string;
      readonly port: number;
      readonly detail: string;
    }
  /** A provider is not let in, since its contract differs. */
  | {
      readonly code: "TYPE_MISMATCH";
      readonly peer: string;
      readonly capability: string;
      readonly detail: string;
    }
  /** A provider has it. */
  | { readonly code: "LEASED"; readonly provider: string; readonly started: boolean }
  /** The provider that has it cannot be reached; the lease is kept until it runs out. */
  | { readonly code: "PROVIDER_LOST"; readonly provider: string; readonly remainingMs: number }
  /** The item is over. */
  | {
      readonly code: "ENDED";
      readonly state: ItemState;
      /** `result`, or the code of what came in its place. */
      readonly word: string;
      /** Attempts of this run that ended: the failed ones, and the one that gave the result. */
      readonly attempts: number;
      /** What the application, or the queue, said of it; empty with a result. Any text. */
      readonly detail: string;
    };

/** An item's state, and every reason for it. */
export interface Explanation {
  readonly state: ItemState;
  readonly reasons: readonly Reason[];
}

/** Explains one item. Cost: a walk of the queue's providers. */
export function explainItem(state: DemandState, item: KnownItem, nowMs: number): Explanation {
  return { state: item.state, reasons: reasonsOf(state, item, nowMs) };
}

function reasonsOf(state: DemandState, item: KnownItem, nowMs: number): Reason[] {
  switch (item.state) {
    case "delayed": {
      const remainingMs = Math.max(0, item.delayedUntilMs - nowMs);
      return [{ code: "DELAYED", remainingMs, failed: item.failed }, ...closedReasons(state)];
    }
    case "ready":
      return readyReasons(state, item, nowMs);
    case "leased":
      return leasedReasons(item, nowMs);
    default:
      return [endedReason(item)];
  }
}

function readyReasons(state: DemandState, item: Item, nowMs: number): Reason[] {
  const closed = closedReasons(state);
  const head = state.store.ready.blockedBy(item);
  if (head !== undefined) {
    const { ticket } = head;
    return [{ code: "ORDERING_KEY_BLOCKED", ticket, state: head.state }, ...closed];
  }
  return [...closed, ...providerReasons(state, nowMs)];
}

/** What holds for every item of the queue. */
function closedReasons(state: DemandState): Reason[] {
  return [
    ...(state.paused ? [{ code: "PAUSED" } as const] : []),
    ...(state.draining ? [{ code: "DRAINING" } as const] : []),
  ];
}

/** Nothing when a provider has credit: then only a pause holds the item back. */
function providerReasons(state: DemandState, nowMs: number): Reason[] {
  const admitted = [...state.links.all()].filter(({ phase }) => phase === "admitted");
  if (admitted.some((link) => creditOf(link) > 0)) return [];
  const mismatches = state.mismatches
    .recent(nowMs)
    .slice(-maxOfOneKind)
    .map(
      ({ nodeId, capability, reason }): Reason => ({
        code: "TYPE_MISMATCH",
        peer: nodeId,
        capability,
        detail: reason,
      }),
    );
  if (admitted.length === 0) return [{ code: "NO_PROVIDER" }, ...mismatches];
  const obstacles = admitted.flatMap(({ provider }) => obstacleReason(provider));
  const unhindered = admitted.filter(({ provider }) => provider?.obstacle === undefined);
  return [
    ...(unhindered.length === 0 ? [] : [noCredit(unhindered)]),
    ...obstacles.slice(0, maxOfOneKind),
    ...mismatches,
  ];
}

function noCredit(links: readonly DemandLink[]): Reason {
  const sum = (of: (provider: DemandProvider) => number): number =>
    links.reduce((total, { provider }) => total + (provider === undefined ? 0 : of(provider)), 0);
  return {
    code: "NO_CREDIT",
    connected: links.length,
    slots: sum(({ slots }) => slots),
    leased: sum(({ leased }) => leased.size),
  };
}

function obstacleReason(provider: DemandProvider | undefined): Reason[] {
  if (provider?.obstacle === undefined) return [];
  const { kind, port, detail } = provider.obstacle;
  const code = kind === "notListening" ? "APPLICATION_NOT_LISTENING" : "APPLICATION_NOT_READY";
  return [{ code, provider: provider.nodeId, capability: provider.capability, port, detail }];
}

function leasedReasons(item: Item, nowMs: number): Reason[] {
  const { lease } = item;
  if (lease === undefined) return [];
  const provider = lease.provider.nodeId;
  if (lease.provider.link !== undefined) {
    return [{ code: "LEASED", provider, started: lease.started }];
  }
  const remainingMs = Math.max(0, lease.untilMs - nowMs);
  return [{ code: "PROVIDER_LOST", provider, remainingMs }];
}

function endedReason({ state, failed, outcome }: KnownItem): Reason {
  switch (outcome?.kind) {
    case "error": {
      const { code: word, message: detail } = outcome.error;
      return { code: "ENDED", state, word, attempts: failed, detail };
    }
    case "system": {
      const { code: word, message: detail } = outcome.system;
      return { code: "ENDED", state, word, attempts: failed, detail };
    }
    default:
      return { code: "ENDED", state, word: "result", attempts: failed + 1, detail: "" };
  }
}
