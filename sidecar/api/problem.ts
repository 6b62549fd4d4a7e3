/** Refusals as `application/problem+json`. Source: RFC 9457. */
import type { FastifyReply } from "fastify";
import { problemDescriptions } from "./problem-description.ts";
import { problemStatus, type Refusal } from "./problem-code.ts";

/** Media type of a problem. */
export const problemMediaType = "application/problem+json";

/** The body of a problem. */
export interface ProblemBody {
  /** `urn:spillway:problem:CODE`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** One of the closed list of docs/errors.md. */
  readonly code: string;
  readonly detail: string;
  readonly fieldPath?: string;
  readonly bound?: number | string;
  readonly value?: number | string;
}

/** Longest value that is repeated to the client. */
const maxValueLength = 200;

/** @returns the body that tells of a refusal. */
export function problemBody(refusal: Refusal): ProblemBody {
  const { code, detail, fieldPath, bound, value } = refusal;
  return {
    type: `urn:spillway:problem:${code}`,
    title: problemDescriptions[code].title,
    status: problemStatus[code],
    code,
    detail,
    ...(fieldPath === undefined ? {} : { fieldPath }),
    ...(bound === undefined ? {} : { bound }),
    ...(value === undefined
      ? {}
      : { value: typeof value === "string" ? value.slice(0, maxValueLength) : value }),
  };
}

/** When to try again, where a later try can succeed by itself. */
const defaultRetryAfterMs: Partial<Record<Refusal["code"], number>> = {
  NOT_CONFIGURED: 1_000,
  QUEUE_FULL: 1_000,
  TOO_MANY_WAITERS: 1_000,
};

/** Answers with a problem, and `Retry-After` (whole seconds, rounded up) where it helps. */
export function sendProblem(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const retryAfterMs = refusal.retryAfterMs ?? defaultRetryAfterMs[refusal.code];
  if (retryAfterMs !== undefined) {
    void reply.header("retry-after", String(Math.max(1, Math.ceil(retryAfterMs / 1_000))));
  }
  return reply
    .code(problemStatus[refusal.code])
    .type(problemMediaType)
    .send(JSON.stringify(problemBody(refusal)));
}
