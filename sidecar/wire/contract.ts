/**
 * A contract: what is sent and what is wanted back, resolved from a descriptor set. The node checks
 * payloads with it, the HTTP edge converts them, links compare its hash.
 */
import { contractHash } from "./contract-hash.ts";
import { type ContractFailure, readDescriptorSet } from "./contract-descriptors.ts";
import { createPayloadCodec, type PayloadCodec } from "./contract-payload.ts";

/** What names a contract; protobuf's `Contract` fits. */
export interface ContractNames {
  /** Full name of the request message. */
  readonly request: string;
  /** Full name of the response message. */
  readonly response: string;
}

/** A usable contract. */
export interface ResolvedContract {
  readonly request: PayloadCodec;
  readonly response: PayloadCodec;
  /** Canonical hash, 32 bytes; equal on both sides of a link. */
  readonly hash: Uint8Array;
}

/** A usable contract, or why it is none. */
export type ContractResult =
  | { readonly ok: true; readonly contract: ResolvedContract }
  | { readonly ok: false; readonly failure: ContractFailure };

/**
 * Finds both messages in an encoded FileDescriptorSet (at most 256 KiB, imports included).
 * Failures: the codes of `ContractFailureCode`, each with a sentence.
 * Cost: about 1 ms per 10 KiB of descriptors; resolve once and keep.
 */
export function resolveContract(names: ContractNames, descriptorSet: Uint8Array): ContractResult {
  const read = readDescriptorSet(descriptorSet);
  if (!read.ok) return read;
  const request = read.registry.getMessage(names.request);
  const response = read.registry.getMessage(names.response);
  if (request === undefined || response === undefined) {
    const missing = request === undefined ? names.request : names.response;
    const known = [...read.registry]
      .filter((type) => type.kind === "message" && !type.typeName.startsWith("google.protobuf."))
      .map((type) => type.typeName);
    const shown = known.slice(0, 10).join(", ") + (known.length > 10 ? ", …" : "");
    const message = `no message ${missing} in the descriptor set; it has: ${shown}`;
    return { ok: false, failure: { code: "TYPE_UNKNOWN", message } };
  }
  const contract: ResolvedContract = {
    request: createPayloadCodec(request, read.registry),
    response: createPayloadCodec(response, read.registry),
    hash: contractHash(request, response),
  };
  return { ok: true, contract };
}

export type { ContractFailure, ContractFailureCode } from "./contract-descriptors.ts";
export { nestedDeeperThan } from "./contract-payload.ts";
export type { PayloadCodec, PayloadFailure, PayloadResult } from "./contract-payload.ts";
