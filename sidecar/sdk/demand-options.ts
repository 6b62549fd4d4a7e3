/** Options of a Demand, their defaults and bounds (design: work, defaults and bounds). */
import type { Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { SdkError } from "./sdk-error.ts";
import type { DemandSettings } from "./work-backend.ts";

/**
 * A Demand. In sidecar mode the manifests of the sidecar decide all but `request`, `response` and
 * `name`, so that an operator can change them without a new program.
 */
export interface DemandOptions<Req extends Message, Res extends Message> {
  /** Generated schema of the message that is sent. */
  readonly request: GenMessage<Req>;
  /** Generated schema of the message that is wanted back. */
  readonly response: GenMessage<Res>;
  /** @default the request message's name in kebab-case */
  readonly name?: string;
  /** Providers wanted, 1 to 1,000. @default 1 */
  readonly desiredProviders?: number;
  /** Providers admitted at most, desiredProviders to 1,000. @default max(10, desiredProviders) */
  readonly maxProviders?: number;
  /** Bounds of one attempt. */
  readonly lease?: {
    /** A lease that is not renewed ends after this, ms, 1 s to 1 h. @default 15,000 */
    readonly durationMs?: number;
    /** Hard bound of one attempt, ms, 1 s to 24 h. @default 600,000 */
    readonly maxRuntimeMs?: number;
    /** The function must call `ctx.heartbeat` this often, ms. @default off */
    readonly progressTimeoutMs?: number;
  };
  /** What happens after a failed attempt. */
  readonly retry?: {
    /** Failed attempts before the item is dead, 1 to 100. @default 5 */
    readonly maxAttempts?: number;
    /** Delay before attempt n + 1: random in [0, min(maxMs, initialMs × factor^(n − 1))]. */
    readonly backoff?: {
      /** @default 200 */
      readonly initialMs?: number;
      /** @default 60,000 */
      readonly maxMs?: number;
      /** 1 to 10. @default 2 */
      readonly factor?: number;
    };
  };
  /** Bounds of what waits. */
  readonly queue?: {
    /** @default 10,000 */
    readonly maxItems?: number;
    /** @default 268,435,456 (256 MiB) */
    readonly maxBytes?: number;
    /** Beyond the bounds: refuse with QUEUE_FULL, or wait for room. @default "refuse" */
    readonly overflow?: "refuse" | "wait";
  };
  /** Bounds of items that were given up; the oldest go first. */
  readonly deadLetter?: {
    /** @default 1,000 */
    readonly maxItems?: number;
    /** @default 86,400,000 (24 h) */
    readonly maxAgeMs?: number;
  };
  /** Bounds of the outcomes that are kept; the oldest go first. */
  readonly retention?: {
    /** @default 10,000 */
    readonly maxItems?: number;
    /** @default 67,108,864 (64 MiB) */
    readonly maxBytes?: number;
    /** @default 3,600,000 (1 h) */
    readonly maxAgeMs?: number;
  };
}

const dayMs = 86_400_000;
const maxCount = 1_000_000;
/** 1 KiB and 16 GiB, as in manifests. */
const minBytes = 1_024;
const maxBytes = 2 ** 34;

/** The complete settings. @throws {SdkError} `INVALID_OPTION` naming field, value and bound. */
export function resolveDemandSettings<Req extends Message, Res extends Message>(
  options: DemandOptions<Req, Res>,
): DemandSettings {
  const { lease, retry, queue, deadLetter, retention } = options;
  const desired = whole("desiredProviders", options.desiredProviders ?? 1, 1, 1_000);
  const overflow = queue?.overflow ?? "refuse";
  if (overflow !== "refuse" && overflow !== "wait") {
    throw new SdkError("INVALID_OPTION", `queue.overflow "${String(overflow)}": refuse or wait.`);
  }
  const maxProviders = options.maxProviders ?? Math.max(10, desired);
  return {
    desiredProviders: desired,
    maxProviders: whole("maxProviders", maxProviders, desired, 1_000),
    lease: resolveLease(lease),
    retry: resolveRetry(retry),
    queue: {
      maxItems: whole("queue.maxItems", queue?.maxItems ?? 10_000, 1, maxCount),
      maxBytes: whole("queue.maxBytes", queue?.maxBytes ?? 256 * 2 ** 20, minBytes, maxBytes),
      overflow,
    },
    deadLetter: {
      maxItems: whole("deadLetter.maxItems", deadLetter?.maxItems ?? 1_000, 0, maxCount),
      maxAgeMs: whole("deadLetter.maxAgeMs", deadLetter?.maxAgeMs ?? dayMs, 1_000, 30 * dayMs),
    },
    retention: {
      maxItems: whole("retention.maxItems", retention?.maxItems ?? 10_000, 0, maxCount),
      maxBytes: whole(
        "retention.maxBytes",
        retention?.maxBytes ?? 64 * 2 ** 20,
        minBytes,
        maxBytes,
      ),
      maxAgeMs: whole("retention.maxAgeMs", retention?.maxAgeMs ?? 3_600_000, 1_000, 30 * dayMs),
    },
  };
}

type LeaseOptions = DemandOptions<Message, Message>["lease"];
type RetryOptions = DemandOptions<Message, Message>["retry"];

function resolveLease(lease: LeaseOptions): DemandSettings["lease"] {
  const progress = lease?.progressTimeoutMs;
  return {
    durationMs: whole("lease.durationMs", lease?.durationMs ?? 15_000, 1_000, 3_600_000),
    maxRuntimeMs: whole("lease.maxRuntimeMs", lease?.maxRuntimeMs ?? 600_000, 1_000, dayMs),
    ...(progress === undefined
      ? {}
      : { progressTimeoutMs: whole("lease.progressTimeoutMs", progress, 1_000, dayMs) }),
  };
}

function resolveRetry(retry: RetryOptions): DemandSettings["retry"] {
  const backoff = retry?.backoff;
  const factor = backoff?.factor ?? 2;
  if (!(factor >= 1 && factor <= 10)) {
    throw new SdkError("INVALID_OPTION", `retry.backoff.factor ${factor} is not in 1 to 10.`);
  }
  const initialMs = whole("retry.backoff.initialMs", backoff?.initialMs ?? 200, 1, 3_600_000);
  const maxMs = backoff?.maxMs ?? Math.max(60_000, initialMs);
  return {
    maxAttempts: whole("retry.maxAttempts", retry?.maxAttempts ?? 5, 1, 100),
    backoff: {
      initialMs,
      maxMs: whole("retry.backoff.maxMs", maxMs, initialMs, dayMs),
      factor,
    },
  };
}

/** A whole number within bounds. @throws {SdkError} `INVALID_OPTION` naming field, value, bound. */
export function whole(field: string, value: number, min: number, max: number): number {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new SdkError(
      "INVALID_OPTION",
      `${field} ${String(value)} is not a whole number from ${min} to ${max}.`,
    );
  }
  return value;
}
