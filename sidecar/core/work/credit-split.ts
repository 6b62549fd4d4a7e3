/**
 * How the free slots of a capability are spread over its links as credit. What may still be
 * delivered, over all links, never exceeds the free slots: a limit is raised only by what is free,
 * and what a lowered limit frees counts only when the demand has confirmed it (CreditTaken).
 * Links whose demand has items waiting come first, in turn; what is left over is parked on the
 * others, and taken back from them when items wait elsewhere.
 */
import { outstandingOf, type PoolLink } from "./held-lease.ts";

/** Sends a limit. */
export type SetLimit = (link: PoolLink, limit: number) => void;

/** The credit of one pool. */
export class CreditSplit {
  #turn = 0;

  /**
   * Brings the limits in line with the free slots.
   * @param joined links that may have credit.
   * @param free slots that may be filled, 0 or more.
   * Cost: O(links + credit given).
   */
  balance(joined: readonly PoolLink[], free: number, setLimit: SetLimit): void {
    let offered = 0;
    let coming = 0;
    for (const link of joined) {
      offered += outstandingOf(link);
      if (link.loweredFrom !== undefined) coming += outstandingOf(link) - keptOf(link);
    }
    const excess = offered - coming - free;
    if (excess > 0) this.#takeBack(joined, excess, setLimit);
    const headroom = free - offered;
    if (headroom > 0) this.#give(joined, headroom, setLimit);
    else this.#moveIdle(joined, coming, setLimit);
  }

  /** Lowers limits by `count` in all, first where nothing waits. */
  #takeBack(joined: readonly PoolLink[], count: number, setLimit: SetLimit): void {
    let left = count;
    for (const idleFirst of [true, false]) {
      for (const link of joined) {
        if (left <= 0) return;
        const mine = outstandingOf(link);
        if (link.loweredFrom !== undefined || mine === 0 || (link.backlog === 0) !== idleFirst) {
          continue;
        }
        const taken = Math.min(mine, left);
        left -= taken;
        setLimit(link, link.limit - taken);
      }
    }
  }

  /** Raises limits by `count` in all: in turn over links with a backlog, else over all. */
  #give(joined: readonly PoolLink[], count: number, setLimit: SetLimit): void {
    const open = joined.filter((link) => link.loweredFrom === undefined);
    const waiting = open.filter((link) => link.backlog > 0);
    const takers = waiting.length > 0 ? waiting : open;
    if (takers.length === 0) return;
    const share = Math.floor(count / takers.length);
    const extra = count % takers.length;
    this.#turn %= takers.length;
    for (const [index, link] of takers.entries()) {
      const place = (index - this.#turn + takers.length) % takers.length;
      const given = share + (place < extra ? 1 : 0);
      // After a lowered limit more may have come than it allowed: count from what came.
      if (given > 0) setLimit(link, Math.max(link.limit, link.received) + given);
    }
    this.#turn = (this.#turn + extra) % takers.length;
  }

  /** Takes idle credit back when a link with a backlog has none. */
  #moveIdle(joined: readonly PoolLink[], coming: number, setLimit: SetLimit): void {
    let needed = -coming;
    for (const link of joined) {
      if (link.backlog > 0 && outstandingOf(link) === 0) needed += link.backlog;
    }
    for (const link of joined) {
      if (needed <= 0) return;
      const idle = outstandingOf(link);
      if (link.backlog > 0 || link.loweredFrom !== undefined || idle === 0) continue;
      const taken = Math.min(idle, needed);
      needed -= taken;
      setLimit(link, link.limit - taken);
    }
  }
}

/** What the link keeps once its lowered limit is confirmed. */
function keptOf(link: PoolLink): number {
  return Math.max(0, link.limit - link.received);
}
