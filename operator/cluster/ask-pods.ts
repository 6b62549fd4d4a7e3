import { ClusterError } from "./cluster-error.ts";
import type { Pod } from "./resources.ts";

/** Sidecars that one command asks at most, and at a time. */
export const maxAsked = 100;
const askedAtOnce = 8;

/** What pods answered. */
export interface PodAnswers<T> {
  readonly answers: ReadonlyMap<Pod, T>;
  /** What held for all of them and ended the asking. */
  readonly notAsked: ClusterError | undefined;
}

/**
 * Asks pods in their order, a few at a time.
 * @param pods the first `maxAsked` of them are asked.
 * @param ask a ClusterError that it throws holds for all: no further one is asked.
 */
export async function askPods<T>(
  pods: readonly Pod[],
  ask: (pod: Pod) => Promise<T>,
): Promise<PodAnswers<T>> {
  const answers = new Map<Pod, T>();
  const left = pods.slice(0, maxAsked);
  let notAsked: ClusterError | undefined;
  const askOn = async (): Promise<void> => {
    for (let pod = left.shift(); pod !== undefined; pod = left.shift()) {
      try {
        answers.set(pod, await ask(pod));
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error;
        notAsked ??= error;
        left.length = 0;
      }
    }
  };
  await Promise.all(Array.from({ length: askedAtOnce }, askOn));
  return { answers, notAsked };
}
