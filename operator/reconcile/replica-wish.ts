/**
 * How many replicas the work justifies, and how far down that is followed.
 *
 * Up at once. Down to the highest wish of the last `stabilization`, so that a short gap in the work
 * removes nobody; to `minReplicas` only after `idleAfter` without work. Unknown work counts as
 * work, and as a wish for what stands: not to know is not to know that there is none.
 * Source: Kubernetes, HorizontalPodAutoscaler, "Stabilization window".
 */
import { type Capability, durationMs } from "../schema/index.ts";

/** What a Capability's author wishes of scaling. */
export type ScaleSpec = NonNullable<Capability["spec"]["scale"]>;

/** A wish of the past that still counts. */
interface Wish {
  readonly atMs: number;
  readonly replicas: number;
}

/** What is remembered between two looks. A new leader begins without. */
export interface WishMemory {
  /**
   * Falling in `replicas`, rising in `atMs`: a wish that a later one reaches is dropped, so that
   * there are at most as many as `maxReplicas`.
   */
  readonly wishes: readonly Wish[];
  /** When there was work last, or might have been. */
  readonly workedAtMs: number;
}

/** What the wish is made of. */
export interface WishInput {
  /** Ready and leased items that are known. */
  readonly items: number;
  /** Some queues are not known. */
  readonly unknown: boolean;
  /** Replicas that the target asks for now. */
  readonly current: number;
}

/** A wish, and when time alone may change it. */
export interface ReplicaWish {
  readonly memory: WishMemory;
  /** Replicas that the target should ask for. */
  readonly desired: number;
  /** Fewer would do, but not all queues are known. */
  readonly heldByUnknown: boolean;
  /** ms from now; Infinity: only a change of the work does. */
  readonly changesAfterMs: number;
}

/**
 * The memory of a leader that sees a Capability for the first time: what stands was wished for just
 * now.
 * @param idleSinceMs since when there is no work, if an earlier leader noted it.
 */
export function firstMemory(current: number, idleSinceMs: number | undefined, nowMs: number) {
  const memory: WishMemory = {
    wishes: [{ atMs: nowMs, replicas: current }],
    workedAtMs: Math.min(idleSinceMs ?? nowMs, nowMs),
  };
  return memory;
}

/** The next wish. */
export function nextWish(
  scale: ScaleSpec,
  input: WishInput,
  { memory, nowMs }: { readonly memory: WishMemory; readonly nowMs: number },
): ReplicaWish {
  const { items, unknown, current } = input;
  const windowMs = durationMs(scale.stabilization);
  const workedAtMs = items > 0 || unknown ? nowMs : memory.workedAtMs;
  const idleAtMs = workedAtMs + durationMs(scale.idleAfter);
  const idle = nowMs >= idleAtMs;
  const atLeast = idle ? scale.minReplicas : Math.max(scale.minReplicas, 1);
  const justified = Math.ceil(items / scale.itemsPerReplica);
  // From 0 only work (or minReplicas) raises it.
  const floor = current === 0 && items === 0 ? scale.minReplicas : atLeast;
  const replicas = Math.min(Math.max(justified, floor), scale.maxReplicas);
  const wished = unknown ? Math.max(replicas, Math.min(current, scale.maxReplicas)) : replicas;
  const wishes = withWish(memory.wishes, { atMs: nowMs, replicas: wished }, nowMs - windowMs);
  const highest = wishes[0]?.replicas ?? replicas;
  const followed = Math.min(highest, scale.maxReplicas);
  const down = Math.min(current, Math.max(replicas, followed));
  const desired = replicas > current ? replicas : unknown ? current : down;
  const expiries = wishes.slice(0, -1).map(({ atMs }) => atMs + windowMs - nowMs);
  if (!idle && !unknown && items === 0 && current > 0) expiries.push(idleAtMs - nowMs);
  return {
    memory: { wishes, workedAtMs },
    desired,
    heldByUnknown: unknown && replicas < current,
    changesAfterMs: Math.min(...expiries),
  };
}

function withWish(wishes: readonly Wish[], wish: Wish, sinceMs: number): Wish[] {
  const kept = wishes.filter(({ atMs, replicas }) => atMs > sinceMs && replicas > wish.replicas);
  return [...kept, wish];
}
