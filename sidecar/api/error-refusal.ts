/** What fastify and Node refuse by themselves, as refusals of the closed list. */
import type { FastifyError, FastifyRequest } from "fastify";
import { ApiError } from "./api-error.ts";
import { unsupportedMediaType } from "./payload.ts";
import type { Refusal } from "./problem-code.ts";

type Breach = NonNullable<FastifyError["validation"]>[number];

/** Places of a request under the names that field paths use; the body has no prefix. */
const placeNames: Readonly<Record<string, string>> = {
  params: "path",
  querystring: "query",
  headers: "headers",
};

/**
 * @param error anything thrown between the socket and the handler's end.
 * @returns the refusal; `INTERNAL` for what no client can cause.
 */
export function refusalOfError(error: unknown, request: FastifyRequest): Refusal {
  if (error instanceof ApiError && error.refusal !== undefined) return error.refusal;
  if (!isFastifyError(error)) return internal();
  const [breach] = error.validation ?? [];
  if (breach !== undefined) return refusalOfBreach(breach, error.validationContext ?? "", request);
  switch (error.code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE": {
      const bound = request.routeOptions.bodyLimit;
      const detail = "The body is larger than this route takes. Send less.";
      return { code: "PAYLOAD_TOO_LARGE", detail, ...(bound === undefined ? {} : { bound }) };
    }
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
    case "FST_ERR_CTP_EMPTY_TYPE":
      return unsupportedMediaType(request.headers["content-type"] ?? "");
    default: {
      const client = error.statusCode !== undefined && error.statusCode < 500;
      const broken = error.code === "ECONNRESET" || error.code === "ERR_STREAM_PREMATURE_CLOSE";
      if (!client && !broken) return internal();
      return { code: "INVALID_ARGUMENT", detail: `The request is malformed: ${error.message}.` };
    }
  }
}

function internal(): Refusal {
  return { code: "INTERNAL", detail: "The sidecar met a bug of its own; its log has the details." };
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

/** The first rule of the route's schema that was broken. */
function refusalOfBreach(breach: Breach, place: string, request: FastifyRequest): Refusal {
  const path = fieldPathOf(breach);
  const prefix = placeNames[place];
  // Node reads header names in lower case; they are written `Spillway-Priority`.
  const shownPath =
    place === "headers" ? path.replace(/(^|-)[a-z]/g, (it) => it.toUpperCase()) : path;
  const fieldPath = [prefix, shownPath]
    .filter((part) => part !== undefined && part !== "")
    .join(".");
  const value = valueAt(place, path, request);
  const subject = fieldPath === "" ? "The body" : fieldPath;
  const shown = value === undefined ? "" : ` (it is ${JSON.stringify(value).slice(0, 200)})`;
  const bound = boundOf(breach);
  return {
    code: "INVALID_ARGUMENT",
    detail: `${subject} ${breach.message ?? "is not allowed"}${shown}.`,
    ...(fieldPath === "" ? {} : { fieldPath }),
    ...(bound === undefined ? {} : { bound }),
    ...(value === undefined ? {} : { value }),
  };
}

/** `/items/2/options/priority` → `items[2].options.priority`, with the field that is too many. */
function fieldPathOf(breach: Breach): string {
  const { instancePath, params } = breach;
  const extra = params["additionalProperty"] ?? params["missingProperty"];
  const parts = instancePath.split("/").slice(1);
  if (typeof extra === "string") parts.push(extra.slice(0, 200));
  return parts.reduce((path, part) => {
    if (/^[0-9]+$/.test(part)) return `${path}[${part}]`;
    return path === "" ? part : `${path}.${part}`;
  }, "");
}

function boundOf({ params }: Breach): number | string | undefined {
  const { limit, pattern, type, allowedValues } = params;
  if (typeof limit === "number") return limit;
  if (typeof pattern === "string") return pattern;
  if (Array.isArray(allowedValues)) return allowedValues.join(", ");
  return typeof type === "string" ? type : undefined;
}

/** The refused value of a header, query or path field; bodies are not repeated. */
function valueAt(place: string, path: string, request: FastifyRequest): string | undefined {
  if (path === "") return undefined;
  switch (place) {
    case "params":
      return textAt(request.params, path);
    case "querystring":
      return textAt(request.query, path);
    case "headers":
      return textAt(request.headers, path);
    default:
      return undefined;
  }
}

function textAt(values: unknown, name: string): string | undefined {
  if (typeof values !== "object" || values === null) return undefined;
  const value: unknown = Object.getOwnPropertyDescriptor(values, name)?.value;
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}
