/** Media types of payloads, and which one a client wants. */
import type { FastifyRequest } from "fastify";

/** Media type of a binary payload. */
export const protobufMediaType = "application/x-protobuf";
/** Media type of a payload in the protobuf JSON mapping. */
export const jsonMediaType = "application/json";

/** The media type without its parameters, lower case. */
export function mediaTypeOf(contentType: string): string {
  return (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
}

/** True when the client prefers a binary payload: it names it in `Accept`, and not after JSON. */
export function prefersProtobuf(request: FastifyRequest): boolean {
  const wanted = (request.headers.accept ?? "").split(",").map(mediaTypeOf);
  const protobuf = wanted.indexOf(protobufMediaType);
  const json = wanted.indexOf(jsonMediaType);
  return protobuf >= 0 && (json < 0 || protobuf < json);
}
