/** SessionHello and Goodbye ↔ frame bodies, with bounds on all that a peer says. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  GoodbyeSchema,
  type SessionHello,
  SessionHelloSchema,
} from "../../proto/gen/spillway/transport/v1/session_pb.ts";
import { isSessionCloseCode, type SessionCloseCode } from "./close-code.ts";

/** Who a node is. */
export interface NodeName {
  readonly clusterId: string;
  readonly namespace: string;
  readonly nodeId: string;
}

/** What a side says of itself in SessionHello. */
export interface HelloContent extends NodeName {
  readonly incarnation: number;
  readonly negotiated: readonly { readonly name: string; readonly value: Uint8Array }[];
}

/** Sentences of a GOODBYE are cut to this many characters. */
const maxReasonLength = 500;
/** Capability names that both sides may have in common. */
const maxNegotiated = 1_024;
const namePattern = /^[-A-Za-z0-9.]{1,63}$/;

/** @returns the body of a HELLO frame. */
export function encodeHello(hello: HelloContent): Uint8Array {
  return toBinary(
    SessionHelloSchema,
    create(SessionHelloSchema, {
      clusterId: hello.clusterId,
      namespace: hello.namespace,
      nodeId: hello.nodeId,
      incarnation: BigInt(hello.incarnation),
      negotiated: hello.negotiated.map(({ name, value }) => ({ name, value })),
    }),
  );
}

/** @returns the content, which keeps no view of `body`; undefined when it is no HELLO. */
export function decodeHello(body: Uint8Array): HelloContent | undefined {
  let hello: SessionHello;
  try {
    hello = fromBinary(SessionHelloSchema, body.slice());
  } catch {
    return undefined;
  }
  const { clusterId, namespace, nodeId, negotiated } = hello;
  if (![clusterId, namespace, nodeId].every((name) => namePattern.test(name))) return undefined;
  if (negotiated.length > maxNegotiated) return undefined;
  if (hello.incarnation > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return { clusterId, namespace, nodeId, incarnation: Number(hello.incarnation), negotiated };
}

/** @returns the body of a GOODBYE frame; a long reason is cut. */
export function encodeGoodbye(code: SessionCloseCode, reason: string): Uint8Array {
  return toBinary(GoodbyeSchema, create(GoodbyeSchema, { code, reason: cut(reason) }));
}

/** @returns code and reason, fit for a log line; undefined when it is no GOODBYE. */
export function decodeGoodbye(
  body: Uint8Array,
): { readonly code: SessionCloseCode; readonly reason: string } | undefined {
  try {
    const { code, reason } = fromBinary(GoodbyeSchema, body);
    if (!isSessionCloseCode(code)) return undefined;
    return { code, reason: cut(reason) };
  } catch {
    return undefined;
  }
}

/** Lone surrogates make the encoder throw; control characters would break a log line. */
function cut(reason: string): string {
  return reason
    .slice(0, maxReasonLength)
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, " ");
}
