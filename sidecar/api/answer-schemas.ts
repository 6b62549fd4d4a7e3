/** How answers are described: OpenAPI's response entries of the routes. */
import { jsonMediaType, protobufMediaType } from "./media-type.ts";
import { problemMediaType } from "./problem.ts";
import { problemStatus, type ProblemCode } from "./problem-code.ts";

const problemSchema = {
  type: "object",
  required: ["type", "title", "status", "code", "detail"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    code: { type: "string", enum: Object.keys(problemStatus) },
    detail: { type: "string" },
    fieldPath: { type: "string" },
    bound: { type: ["string", "number"] },
    value: { type: ["string", "number"] },
  },
} as const;

/** A media type and what it holds, as OpenAPI writes it. */
export type ContentSchema = Readonly<Record<string, { readonly schema: object }>>;

/** A payload: a message of the contract in either form. */
export const payloadContent: ContentSchema = {
  [jsonMediaType]: { schema: { description: "The message by the protobuf JSON mapping." } },
  [protobufMediaType]: { schema: { description: "The encoded message." } },
};

/** @returns the response entry of a JSON answer. */
export function jsonAnswer(
  description: string,
  schema: object,
  headers?: object,
): { readonly description: string; readonly content: ContentSchema; readonly headers?: object } {
  const content = { [jsonMediaType]: { schema } };
  return { description, content, ...(headers === undefined ? {} : { headers }) };
}

/** Problems that any call of the application interface may be answered with. */
const everywhere: readonly ProblemCode[] = ["INVALID_ARGUMENT", "INTERNAL", "NOT_CONFIGURED"];

/** @returns the response entries of problems, by status: those given, and those of every call. */
export function problemAnswers(...codes: readonly ProblemCode[]): Record<string, object> {
  const answers: Record<string, object> = {};
  for (const code of [...codes, ...everywhere]) {
    const status = problemStatus[code];
    const others = [...codes, ...everywhere].filter((each) => problemStatus[each] === status);
    answers[String(status)] = {
      description: [...new Set(others)].join(", "),
      content: { [problemMediaType]: { schema: problemSchema } },
    };
  }
  return answers;
}

/** An object schema of an answer. */
export function answerObject(properties: Readonly<Record<string, object>>): object {
  return { type: "object", required: Object.keys(properties), properties };
}
