import { largestPayloadBytes, maxDurationMs, numberOption } from "./option-bound.ts";
import { WorkError } from "./refusal.ts";

/**
 * How a DemandQueue behaves; complete. Source of the defaults: design/work.md, "Defaults and
 * bounds".
 */
export interface DemandOptions {
  /** Providers wanted, 1 … 1,000, at most maxProviders. Default 1. */
  readonly desiredProviders: number;
  /** Providers admitted at most, 1 … 1,000. Default 10. */
  readonly maxProviders: number;
  readonly lease: {
    /**
     * A lease that is not renewed ends after this, 1 s … 1 h. Default 15 s. Renewed at a third of
     * it.
     */
    readonly durationMs: number;
    /** Hard bound of one attempt from its start, 1 s … 7 days. Default 10 min. */
    readonly maxRuntimeMs: number;
    /** The application must report progress this often; undefined: off (the default). */
    readonly progressTimeoutMs: number | undefined;
  };
  readonly retry: {
    /** Failed attempts before an item is dead, 1 … 100. Default 5. */
    readonly maxAttempts: number;
    /** Delay before attempt n + 1: random in [0, min(maxMs, initialMs × factor^(n − 1))]. */
    readonly backoff: {
      /** 0 … 7 days. Default 200 ms. */
      readonly initialMs: number;
      /** initialMs … 7 days. Default 1 min. */
      readonly maxMs: number;
      /** 1 … 10. Default 2. */
      readonly factor: number;
    };
  };
  readonly queue: {
    /** Pending items (ready, delayed, leased), 1 … 1,000,000. Default 10,000. */
    readonly maxItems: number;
    /** Bytes of their requests, up to 64 GiB. Default 256 MiB. */
    readonly maxBytes: number;
    /** What `add` does beyond the bounds. Default `refuse`. */
    readonly overflow: "refuse" | "wait";
    /** Adds that may wait for room, 0 … 100,000. Default 1,000. */
    readonly maxWaiters: number;
    /** Bytes of their requests. Default 64 MiB. */
    readonly maxWaitingBytes: number;
    /** Bytes of one request, and of one result. Default 16 MiB − 64 KiB, so a message holds it. */
    readonly maxPayloadBytes: number;
  };
  /** Bounds of what was given up; the oldest go first and are counted. */
  readonly deadLetter: RetentionOptions;
  /** Bounds of the other outcomes; the oldest go first and are counted. */
  readonly retention: RetentionOptions;
  /** Grant nothing. Default false. */
  readonly paused: boolean;
}

/** Bounds of what is kept after its end. */
export interface RetentionOptions {
  /** Default 10,000; dead letter 1,000. */
  readonly maxItems: number;
  /**
   * Bytes of requests and results kept. Default 64 MiB; dead letter 256 MiB (requests are kept
   * too).
   */
  readonly maxBytes: number;
  /** Default 1 h; dead letter 24 h. */
  readonly maxAgeMs: number;
}

/** What a configuration may leave out. */
export interface PartialDemandOptions {
  readonly desiredProviders?: number | undefined;
  readonly maxProviders?: number | undefined;
  readonly lease?: Loose<DemandOptions["lease"]> | undefined;
  readonly retry?:
    | {
        readonly maxAttempts?: number | undefined;
        readonly backoff?: Loose<DemandOptions["retry"]["backoff"]> | undefined;
      }
    | undefined;
  readonly queue?: Loose<DemandOptions["queue"]> | undefined;
  readonly deadLetter?: Loose<RetentionOptions> | undefined;
  readonly retention?: Loose<RetentionOptions> | undefined;
  readonly paused?: boolean | undefined;
}

type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined };

const mebibyte = 1_048_576;

/**
 * The complete options.
 * @throws {WorkError} `INVALID_OPTION` naming field, value and bound.
 */
export function resolveDemandOptions(partial: PartialDemandOptions = {}): DemandOptions {
  const maxProviders = numberOption(
    partial.maxProviders,
    Math.max(10, partial.desiredProviders ?? 1),
    { field: "maxProviders", min: 1, max: 1_000 },
  );
  const desiredProviders = numberOption(partial.desiredProviders, 1, {
    field: "desiredProviders",
    min: 1,
    max: maxProviders,
  });
  return {
    desiredProviders,
    maxProviders,
    lease: resolveLease(partial.lease ?? {}),
    retry: resolveRetry(partial.retry ?? {}),
    queue: resolveQueue(partial.queue ?? {}),
    deadLetter: resolveRetention("deadLetter", partial.deadLetter ?? {}, {
      maxItems: 1_000,
      maxBytes: 256 * mebibyte,
      maxAgeMs: 24 * 3_600_000,
    }),
    retention: resolveRetention("retention", partial.retention ?? {}, {
      maxItems: 10_000,
      maxBytes: 64 * mebibyte,
      maxAgeMs: 3_600_000,
    }),
    paused: partial.paused ?? false,
  };
}

function resolveLease(partial: Loose<DemandOptions["lease"]>): DemandOptions["lease"] {
  const progressTimeoutMs =
    partial.progressTimeoutMs === undefined
      ? undefined
      : numberOption(partial.progressTimeoutMs, 0, {
          field: "lease.progressTimeout",
          min: 1_000,
          max: maxDurationMs,
        });
  return {
    durationMs: numberOption(partial.durationMs, 15_000, {
      field: "lease.duration",
      min: 1_000,
      max: 3_600_000,
    }),
    maxRuntimeMs: numberOption(partial.maxRuntimeMs, 600_000, {
      field: "lease.maxRuntime",
      min: 1_000,
      max: maxDurationMs,
    }),
    progressTimeoutMs,
  };
}

function resolveRetry(partial: NonNullable<PartialDemandOptions["retry"]>): DemandOptions["retry"] {
  const backoff = partial.backoff ?? {};
  const initialMs = numberOption(backoff.initialMs, 200, {
    field: "retry.backoff.initial",
    min: 0,
    max: maxDurationMs,
  });
  return {
    maxAttempts: numberOption(partial.maxAttempts, 5, {
      field: "retry.maxAttempts",
      min: 1,
      max: 100,
    }),
    backoff: {
      initialMs,
      maxMs: numberOption(backoff.maxMs, Math.max(60_000, initialMs), {
        field: "retry.backoff.max",
        min: initialMs,
        max: maxDurationMs,
      }),
      factor: numberOption(backoff.factor, 2, {
        field: "retry.backoff.factor",
        min: 1,
        max: 10,
        fraction: true,
      }),
    },
  };
}

function resolveQueue(partial: Loose<DemandOptions["queue"]>): DemandOptions["queue"] {
  const overflow = partial.overflow ?? "refuse";
  if (overflow !== "refuse" && overflow !== "wait") {
    throw new WorkError(
      "INVALID_OPTION",
      `queue.overflow is ${String(overflow)}; it must be refuse or wait`,
    );
  }
  const bytes = (field: string): { field: string; min: number; max: number } => ({
    field,
    min: 1,
    max: 65_536 * mebibyte,
  });
  return {
    maxItems: numberOption(partial.maxItems, 10_000, {
      field: "queue.maxItems",
      min: 1,
      max: 1_000_000,
    }),
    maxBytes: numberOption(partial.maxBytes, 256 * mebibyte, bytes("queue.maxBytes")),
    overflow,
    maxWaiters: numberOption(partial.maxWaiters, 1_000, {
      field: "queue.maxWaiters",
      min: 0,
      max: 100_000,
    }),
    maxWaitingBytes: numberOption(
      partial.maxWaitingBytes,
      64 * mebibyte,
      bytes("queue.maxWaitingBytes"),
    ),
    maxPayloadBytes: numberOption(partial.maxPayloadBytes, largestPayloadBytes, {
      field: "queue.maxPayloadBytes",
      min: 1,
      max: largestPayloadBytes,
    }),
  };
}

function resolveRetention(
  field: string,
  partial: Loose<RetentionOptions>,
  fallback: RetentionOptions,
): RetentionOptions {
  return {
    maxItems: numberOption(partial.maxItems, fallback.maxItems, {
      field: `${field}.maxItems`,
      min: 0,
      max: 1_000_000,
    }),
    maxBytes: numberOption(partial.maxBytes, fallback.maxBytes, {
      field: `${field}.maxBytes`,
      min: 0,
      max: 65_536 * mebibyte,
    }),
    maxAgeMs: numberOption(partial.maxAgeMs, fallback.maxAgeMs, {
      field: `${field}.maxAge`,
      min: 0,
      max: 366 * 24 * 3_600_000,
    }),
  };
}
