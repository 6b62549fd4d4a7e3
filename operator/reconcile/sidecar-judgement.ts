/** What a survey of the selected sidecars means for the conditions, in words. */
import type { Condition } from "../schema/index.ts";
import type { Judgement } from "./conditions.ts";
import type { SelectedPod } from "./observed.ts";
import type { Survey } from "./survey.ts";

/** What `Degraded` says while nothing is. */
export const asExpected: Judgement = {
  status: "False",
  reason: "AsExpected",
  message: "Nothing is missing.",
};

/** Why no selected sidecar works by this generation; undefined when one does. */
export function notApplied(it: Survey<unknown>): Judgement | undefined {
  if (it.applied.length > 0) return undefined;
  const no = (reason: Judgement["reason"], message: string): Judgement => ({
    status: "False",
    reason,
    message,
  });
  if (it.living.length === 0) {
    return no(
      "NoPods",
      "The selector matches no pod; compare spec.selector with the pods' labels.",
    );
  }
  if (it.withoutSidecar.length === it.living.length) {
    const message = "No selected pod has a sidecar; label the namespace or the pods for injection.";
    return no("SidecarMissing", message);
  }
  if (it.behind.length > 0 || it.lost.length === 0) {
    const message = refusalOf(it) ?? "No selected sidecar has acknowledged this generation yet.";
    return no("ConfigNotApplied", message);
  }
  return no("ReportsStale", `No longer reporting: ${namesOf(it.lost)}.`);
}

/** A new generation is given this long to be acknowledged before its object is not ready. */
export const rolloutMs = 5_000;

/**
 * How long a Ready that was True still stands while a new generation is on its way, ms; 0: not any
 * more. So that an edit is no outage: the sidecars work on by the generation before.
 */
export function readyStandsForMs(
  it: Survey<unknown>,
  previous: readonly Condition[],
  nowMs: number,
): number {
  const ready = previous.find(({ type }) => type === "Ready");
  const underWay = it.applied.length === 0 && it.behind.length > 0 && refusalOf(it) === undefined;
  if (ready?.status !== "True" || !underWay) return 0;
  const progressing = previous.find(({ type }) => type === "Progressing");
  const begun = progressing?.status === "True" && progressing.reason === "ConfigNotApplied";
  const sinceMs = begun ? Date.parse(progressing.lastTransitionTime) : nowMs;
  return Math.max(0, Math.min(rolloutMs, sinceMs + rolloutMs - nowMs));
}

/** Whether selected sidecars still work by an older generation. */
export function rollingOut(it: Survey<unknown>): Judgement {
  if (it.behind.length === 0) {
    return { status: "False", reason: "Settled", message: "Nothing is on its way." };
  }
  const message = refusalOf(it) ?? `Not acknowledged yet by ${namesOf(it.behind)}.`;
  return { status: "True", reason: "ConfigNotApplied", message };
}

/** What the first sidecar says that could not take its configuration over. */
function refusalOf({ behind }: Survey<unknown>): string | undefined {
  const refused = behind.filter(({ report }) => report?.acknowledged?.refusal !== undefined);
  const first = refused.toSorted(byName)[0];
  const sentence = first?.report?.acknowledged?.refusal;
  return first === undefined ? undefined : `Pod ${first.pod.name}: ${sentence}`;
}

function byName(left: SelectedPod<unknown>, right: SelectedPod<unknown>): number {
  return left.pod.name < right.pod.name ? -1 : 1;
}

/** What is missing of the selected sidecars; undefined when nothing is. */
export function sidecarsMissing(it: Survey<unknown>): Judgement | undefined {
  if (it.withoutSidecar.length > 0) {
    const message = `Without a sidecar: ${namesOf(it.withoutSidecar)}. Create them again.`;
    return { status: "True", reason: "SidecarMissing", message };
  }
  if (it.lost.length > 0) {
    const message = `No longer reporting: ${namesOf(it.lost)}.`;
    return { status: "True", reason: "ReportsStale", message };
  }
  return undefined;
}

/** Pods that a message names at most. */
const namedPods = 3;

/** `pod a`, `pods a, b`, `pods a, b, c and more`: no counts, which would change by the second. */
export function namesOf(pods: readonly SelectedPod<unknown>[]): string {
  const names = pods.map(({ pod }) => pod.name).sort();
  const shown = names.slice(0, namedPods).join(", ");
  const rest = names.length > namedPods ? " and more" : "";
  return `${names.length === 1 ? "pod" : "pods"} ${shown}${rest}`;
}
