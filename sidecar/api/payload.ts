/** Request bodies ↔ binary payloads, by content type. */
import type { FastifyRequest } from "fastify";
import type { PayloadCodec, PayloadFailure } from "../wire/contract.ts";
import { apiLimits } from "./limits.ts";
import { jsonMediaType, mediaTypeOf, protobufMediaType } from "./media-type.ts";
import type { Result } from "./ports.ts";
import type { Refusal } from "./problem-code.ts";

/**
 * @param at path of the payload inside the body, for example `items[2].request`; empty for the
 *   body.
 * @returns the refusal that names type, field and rule.
 */
export function invalidPayload(failure: PayloadFailure, at = ""): Refusal {
  const inner = failure.fieldPath;
  const joint = at === "" || inner === "" || inner.startsWith("[") ? "" : ".";
  const fieldPath = `${at}${joint}${inner}`;
  const subject = inner === "" ? "the payload" : `field ${inner}`;
  const detail = `No valid ${failure.typeName}: ${subject}: ${failure.rule}.`;
  return { code: "INVALID_PAYLOAD", detail, ...(fieldPath === "" ? {} : { fieldPath }) };
}

function withinBound(payload: Uint8Array, at: string): Result<Uint8Array> {
  if (payload.length <= apiLimits.payloadBytes) return { ok: true, value: payload };
  const refusal: Refusal = {
    code: "PAYLOAD_TOO_LARGE",
    detail: "The payload is larger than a message may be. Send a reference to the data instead.",
    bound: apiLimits.payloadBytes,
    value: payload.length,
    ...(at === "" ? {} : { fieldPath: at }),
  };
  return { ok: false, refusal };
}

/** A parsed JSON value as a checked binary payload. `at` as in `invalidPayload`. */
export function payloadOfJson(codec: PayloadCodec, json: unknown, at: string): Result<Uint8Array> {
  const encoded = codec.encodeJson(json);
  return encoded.ok
    ? withinBound(encoded.value, at)
    : { ok: false, refusal: invalidPayload(encoded.failure, at) };
}

/**
 * Bytes of a known media type as a checked binary payload.
 * Refusals: INVALID_PAYLOAD, PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE.
 */
export function payloadOfBytes(
  codec: PayloadCodec,
  bytes: Uint8Array,
  contentType: string,
): Result<Uint8Array> {
  switch (mediaTypeOf(contentType)) {
    case protobufMediaType: {
      const bounded = withinBound(bytes, "");
      if (!bounded.ok) return bounded;
      const failure = codec.check(bytes);
      return failure === undefined ? bounded : { ok: false, refusal: invalidPayload(failure) };
    }
    case jsonMediaType: {
      const encoded = codec.encodeJsonText(bytes);
      return encoded.ok
        ? withinBound(encoded.value, "")
        : { ok: false, refusal: invalidPayload(encoded.failure) };
    }
    default:
      return { ok: false, refusal: unsupportedMediaType(contentType) };
  }
}

/** The body of a payload route (a Buffer by its parsers) as a checked binary payload. */
export function payloadOfBody(codec: PayloadCodec, request: FastifyRequest): Result<Uint8Array> {
  const { body } = request;
  const contentType = request.headers["content-type"] ?? "";
  return body instanceof Uint8Array
    ? payloadOfBytes(codec, body, contentType)
    : { ok: false, refusal: unsupportedMediaType(contentType) };
}

/** The refusal of a body that is neither JSON nor protobuf. */
export function unsupportedMediaType(contentType: string): Refusal {
  const shown =
    contentType === "" ? "no Content-Type" : `Content-Type ${contentType.slice(0, 100)}`;
  const detail = `The body has ${shown}; send ${jsonMediaType} or ${protobufMediaType}.`;
  return { code: "UNSUPPORTED_MEDIA_TYPE", detail };
}
