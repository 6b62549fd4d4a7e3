/** What a capability holds of a queue that is lost, because the demand's node started again. */
import type { CapabilityState } from "./capability-state.ts";
import type { HeldLease, Target } from "./held-lease.ts";

/** The demand's node has started again: what it had granted is lost with its queue. */
export function metIncarnation(
  state: CapabilityState,
  target: Target,
  incarnation: number,
  nowMs: number,
): void {
  if (target.grantedBy !== 0 && target.grantedBy !== incarnation) {
    const detail = "the demand's sidecar started again; its queue was in memory";
    for (const lease of [...target.leases.values()]) {
      if (lease.phase === "settling") {
        giveUpVerb(state, lease, detail);
      } else {
        state.endLease(lease, { reason: "QUEUE_LOST", detail }, nowMs);
      }
    }
  }
  target.grantedBy = incarnation;
}

/** Nobody will confirm the verb: its callers are told that it is stale. */
export function giveUpVerb(state: CapabilityState, lease: HeldLease, why: string): void {
  for (const call of lease.verb?.calls ?? []) {
    const detail = `The demand did not confirm it: ${why}. The item may be done again elsewhere.`;
    state.reply(call, { kind: "refused", refusal: { code: "STALE_LEASE", detail } });
  }
  state.book.forget(lease);
}
