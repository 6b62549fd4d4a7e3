/** Why an item does not move: the engine's facts → what the API says. */
import type { ExplanationView } from "../api/ports.ts";
import { assertNever } from "../core/ports.ts";
import type { Explanation, Reason } from "../core/work/index.ts";

/** Characters of an application's text that are told; its whole is among the facts. */
const maxDetailLength = 300;

type ReasonView = ExplanationView["reasons"][number];

/**
 * Puts an explanation into words.
 * @param nowEpochMs of the wall clock, at the moment of the explanation.
 */
export function explanationViewOf(
  { state, reasons }: Explanation,
  nowEpochMs: number,
): ExplanationView {
  return { state, reasons: reasons.map((reason) => reasonViewOf(reason, nowEpochMs)) };
}

/** What remains until a time becomes the time. */
function reasonViewOf(reason: Reason, nowEpochMs: number): ReasonView {
  switch (reason.code) {
    case "DELAYED": {
      const until = dateAfter(reason.remainingMs, nowEpochMs);
      const { code, failed } = reason;
      const after = failed === 0 ? "" : ` after ${counted(failed, "failed attempt")}`;
      return { code, message: `delayed until ${until}${after}`, facts: { until, failed } };
    }
    case "PROVIDER_LOST": {
      const { code, provider, remainingMs } = reason;
      const until = dateAfter(remainingMs, nowEpochMs);
      const message = `provider ${provider} has it and is not connected; its lease lasts until ${until}`;
      return { code, message, facts: { provider, until } };
    }
    default: {
      const { code, ...facts } = reason;
      return { code, message: messageOf(reason), facts };
    }
  }
}

function messageOf(
  reason: Exclude<Reason, { readonly code: "DELAYED" | "PROVIDER_LOST" }>,
): string {
  switch (reason.code) {
    case "ORDERING_KEY_BLOCKED":
      return `ordering key blocked by ${reason.ticket}, which is ${reason.state}`;
    case "PAUSED":
      return "demand paused";
    case "DRAINING":
      return "draining: no new provider is let in";
    case "NO_PROVIDER":
      return "no provider connected";
    case "NO_CREDIT": {
      const { connected, slots, leased } = reason;
      const who = `${String(connected)} connected with ${counted(slots, "slot")}`;
      return `providers have no credit: ${who}, holding ${counted(leased, "item")} of this demand`;
    }
    case "APPLICATION_NOT_LISTENING":
      return `application not listening on port ${String(reason.port)} at provider ${reason.provider}`;
    case "APPLICATION_NOT_READY":
      return `application not ready at provider ${reason.provider}: ${reason.detail}`;
    case "TYPE_MISMATCH":
      return `type mismatch with ${reason.peer}: ${reason.detail}`;
    case "LEASED":
      return `provider ${reason.provider} is ${reason.started ? "working on it" : "about to start it"}`;
    case "ENDED": {
      const { state, word, attempts } = reason;
      const after = attempts === 0 ? "" : ` after ${counted(attempts, "attempt")}`;
      const detail = oneLine(reason.detail);
      return `ended as ${state}: ${word}${after}${detail === "" ? "" : `: ${detail}`}`;
    }
    default:
      return assertNever(reason);
  }
}

function dateAfter(remainingMs: number, nowEpochMs: number): string {
  return new Date(Math.round(nowEpochMs + remainingMs)).toISOString();
}

/** Text of another program as a part of a line: no control characters, not too long. */
function oneLine(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim();
  if (line.length <= maxDetailLength) return line;
  return `${line.slice(0, maxDetailLength).toWellFormed()}…`;
}

function counted(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? "" : "s"}`;
}
