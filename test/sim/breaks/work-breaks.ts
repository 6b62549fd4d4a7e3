import type { SourceBreak } from "./install-break.ts";

const room = "sidecar/core/work/";

/** Ways to damage the work engines, each with the checker that has to notice. */
export const workBreaks: readonly SourceBreak[] = [
  {
    name: "outcome-twice",
    checker: "one-outcome",
    file: `${room}settlement.ts`,
    from: "    this.#listener.ended(item);\n",
    to: "    this.#listener.ended(item);\n    this.#listener.ended(item);\n",
  },
  {
    name: "item-forgotten",
    checker: "liveness",
    file: `${room}item-store.ts`,
    from: '    expectState(item, item.state === "delayed");\n    this.#makeReady(item, nowMs);',
    to: '    this.#setState(item, "ready");\n    void nowMs;',
  },
  {
    name: "renewal-ignored",
    checker: "one-lease",
    file: `${room}demand-protocol.ts`,
    from: "    item.lease.untilMs = nowMs + durationMs;\n",
    to: "    void durationMs;\n",
  },
  {
    name: "stale-accepted",
    checker: "stale-lease",
    file: `${room}demand-protocol.ts`,
    from: "leaseOfLink(item, link, verb.lease)",
    to: "item.lease",
  },
  {
    name: "one-provider-more",
    checker: "max-providers",
    file: `${room}demand-admission.ts`,
    from: "state.links.admittedCount >= state.options.maxProviders",
    to: "state.links.admittedCount > state.options.maxProviders",
  },
  {
    name: "credit-exceeded",
    checker: "credit",
    file: `${room}demand-links.ts`,
    from: "  return Math.max(0, link.limit - link.delivered);",
    to: "  return Math.max(0, link.limit + 1 - link.delivered);",
  },
  {
    name: "credit-not-awaited",
    checker: "slots",
    file: `${room}capability-state.ts`,
    from: "      if (floor < link.limit) link.loweredFrom = link.limit;\n",
    to: "",
  },
  {
    name: "slots-overbooked",
    checker: "slots",
    file: `${room}credit-split.ts`,
    from: "    const headroom = free - offered;",
    to: "    const headroom = free;",
  },
  {
    name: "queue-unbounded",
    checker: "bounds",
    file: `${room}demand-calls.ts`,
    from: "      store.pendingItems < options.queue.maxItems &&\n",
    to: "",
  },
  {
    name: "dead-letter-unbounded",
    checker: "bounds",
    file: `${room}item-store.ts`,
    from: "    for (const item of this.#dead.trim(options.deadLetter, nowMs)) this.#forget(item);\n",
    to: "",
  },
  {
    name: "expiry-only-on-pull",
    checker: "liveness",
    file: `${room}item-store.ts`,
    from: "      this.#timers.peek()?.dueMs ?? Infinity,",
    to: "      Infinity,",
  },
  {
    name: "crash-not-counted",
    checker: "attempts",
    file: `${room}settlement.ts`,
    from: "    if (lease.started) {",
    to: "    if (lease.started && item.failed < 0) {",
  },
  {
    name: "runtime-unbounded",
    checker: "one-lease",
    file: `${room}demand-protocol.ts`,
    from: "    lease.runtimeUntilMs = nowMs + maxRuntimeMs;",
    to: "    lease.runtimeUntilMs = nowMs + 100 * maxRuntimeMs;",
  },
  {
    name: "acknowledged-first",
    checker: "recorded-first",
    file: `${room}demand-state.ts`,
    from: '    this.#out.push({ type: "send", link, message });',
    to: '    this.#out.unshift({ type: "send", link, message });',
  },
  {
    name: "credit-lost",
    checker: "liveness",
    file: `${room}capability-pool.ts`,
    from: "if (kind.value.revision === link.revision) link.loweredFrom = undefined;",
    to: "",
  },
  {
    name: "started-late",
    checker: "started-first",
    file: `${room}capability-intake.ts`,
    from: "  state.sayStarted(lease);\n",
    to: "",
  },
  {
    name: "slot-freed-at-loss",
    checker: "work-bound",
    file: `${room}capability-state.ts`,
    from: '    this.book.setPhase(lease, "ended");\n',
    to: '    this.book.setPhase(lease, "settling");\n',
  },
  {
    name: "granted-stays-ready",
    checker: "no-throw",
    file: `${room}item-store.ts`,
    from: "    this.ready.remove(item, false);\n",
    to: "",
  },
  {
    name: "settled-before-recorded",
    checker: "recorded-first",
    file: `${room}demand-state.ts`,
    from: `    this.#settled.set(link, { status, state, leases: [lease] });
  }

  #flushSettled(link: number): void {
    const list = this.#settled.get(link);
    if (list === undefined) return;
    this.#settled.delete(link);
    this.send(link, settled(list.leases, list.status, list.state));
`,
    to: `    const leases = [lease];
    this.#settled.set(link, { status, state, leases });
    this.send(link, settled(leases, status, state));
  }

  #flushSettled(link: number): void {
    this.#settled.delete(link);
`,
  },
  {
    name: "settled-after-close",
    checker: "closed-last",
    file: `${room}demand-state.ts`,
    from: '    this.#flushSettled(link);\n    this.emit({ type: "closeLink"',
    to: '    this.emit({ type: "closeLink"',
  },
  {
    name: "settled-of-another-link",
    checker: "one-answer",
    file: `${room}demand-state.ts`,
    from: "    const list = this.#settled.get(link);\n    if (list?.status === status",
    to: "    const list = [...this.#settled.values()].at(-1);\n    if (list?.status === status",
  },
  {
    name: "started-of-another-link",
    checker: "started-first",
    file: `${room}capability-state.ts`,
    from: "    const leases = this.#started.get(link);\n",
    to: "    const leases = [...this.#started.values()].at(-1);\n",
  },
  {
    name: "started-of-an-earlier-turn",
    checker: "started-first",
    file: `${room}capability-state.ts`,
    from: "    this.#started.clear();\n",
    to: "",
  },
  {
    name: "credit-taken-once-a-turn",
    checker: "credit",
    file: `${room}demand-protocol.ts`,
    from: "  state.links.setLimit(link, limit);\n",
    to: "  if (!state.credited.includes(link)) state.links.setLimit(link, limit);\n",
  },
  {
    name: "copy-refused",
    checker: "stale-lease",
    file: `${room}demand-protocol.ts`,
    from: "    const copy = item instanceof EndedItem && isCopy(item, link, verb);\n",
    to: "    const copy = false;\n",
  },
];
