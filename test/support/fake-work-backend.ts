/** A WorkBackend that a test plays by hand: answers adds, tells outcomes, hands out items. */
import type { AddOptions, LeaseVerb } from "../../sidecar/api/ports.ts";
import type { CarriedOutcome } from "../../sidecar/sdk/outcome.ts";
import type { BackendHold, Host } from "../../sidecar/sdk/program.ts";
import type { SdkWarning } from "../../sidecar/sdk/warning.ts";
import type {
  AddAnswer,
  CapabilityLink,
  CapabilityListener,
  CapabilitySpec,
  Delivery,
  DemandLink,
  DemandListener,
  DemandSpec,
  SettleAnswer,
  WorkBackend,
} from "../../sidecar/sdk/work-backend.ts";

/** An add that the test has yet to answer. */
export interface HeldAdd {
  readonly request: Uint8Array;
  readonly options: AddOptions;
  readonly answer: (answer: AddAnswer) => void;
}

/** The Demand's end. */
export class FakeDemandLink implements DemandLink {
  readonly spec: DemandSpec;
  readonly listener: DemandListener;
  readonly adds: HeldAdd[] = [];
  readonly cancelled: string[] = [];
  closed = false;
  /** Answers each add at once with `ticket-1`, `ticket-2`, …; off: they wait in `adds`. */
  autoAnswer = true;
  #next = 0;

  constructor(spec: DemandSpec, listener: DemandListener) {
    this.spec = spec;
    this.listener = listener;
  }

  async announce(): Promise<void> {}

  add(request: Uint8Array, options: AddOptions, signal: AbortSignal): Promise<AddAnswer> {
    const { promise, resolve } = Promise.withResolvers<AddAnswer>();
    this.adds.push({ request, options, answer: resolve });
    signal.addEventListener("abort", () =>
      resolve({ ok: false, refusal: { code: "ABORTED", message: "aborted" } }),
    );
    if (this.autoAnswer) {
      this.#next += 1;
      resolve({ ok: true, ticket: `ticket-${this.#next}` });
    }
    return promise;
  }

  async cancel(ticket: string): Promise<void> {
    this.cancelled.push(ticket);
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  tell(ticket: string, outcome: CarriedOutcome): void {
    this.listener.onOutcome(ticket, outcome);
  }
}

/** The Capability's end. */
export class FakeCapabilityLink implements CapabilityLink {
  readonly spec: CapabilitySpec;
  readonly listener: CapabilityListener;
  readonly settled: { readonly lease: string; readonly verb: LeaseVerb }[] = [];
  closed = false;
  /** What `settle` answers. */
  answer: SettleAnswer = { ok: true, cancelled: false };
  readonly #waiting: ((delivery: Delivery | undefined) => void)[] = [];

  constructor(spec: CapabilitySpec, listener: CapabilityListener) {
    this.spec = spec;
    this.listener = listener;
  }

  /** Slots that ask for an item. */
  get credit(): number {
    return this.#waiting.length;
  }

  pull(signal: AbortSignal): Promise<Delivery | undefined> {
    const { promise, resolve } = Promise.withResolvers<Delivery | undefined>();
    if (signal.aborted) {
      resolve(undefined);
    } else {
      this.#waiting.push(resolve);
      signal.addEventListener("abort", () => {
        this.#waiting.length = 0;
        resolve(undefined);
      });
    }
    return promise;
  }

  async settle(lease: string, verb: LeaseVerb): Promise<SettleAnswer> {
    this.settled.push({ lease, verb });
    return this.answer;
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  /** Hands an item to the slot that has waited longest. @returns false when none waits. */
  deliver(lease: string, bytes: Uint8Array, rest: Partial<Delivery> = {}): boolean {
    const slot = this.#waiting.shift();
    const request = { encoding: "binary", bytes } as const;
    slot?.({ ticket: `ticket of ${lease}`, lease, attempt: 1, request, ...rest });
    return slot !== undefined;
  }
}

/** A program whose backend is played by the test. */
export class FakeHost implements Host, WorkBackend {
  readonly warnings: SdkWarning[] = [];
  readonly demandLinks: FakeDemandLink[] = [];
  readonly capabilityLinks: FakeCapabilityLink[] = [];
  holdCount = 0;

  readonly warn = (warning: SdkWarning): void => {
    this.warnings.push(warning);
  };

  acquire(): BackendHold {
    this.holdCount += 1;
    return {
      backend: this,
      release: async () => {
        this.holdCount -= 1;
      },
    };
  }

  openDemand(spec: DemandSpec, listener: DemandListener): DemandLink {
    const link = new FakeDemandLink(spec, listener);
    this.demandLinks.push(link);
    return link;
  }

  openCapability(spec: CapabilitySpec, listener: CapabilityListener): CapabilityLink {
    const link = new FakeCapabilityLink(spec, listener);
    this.capabilityLinks.push(link);
    return link;
  }

  async close(): Promise<void> {}
}
