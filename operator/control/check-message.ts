/**
 * Holds what a sidecar says against its bounds. Each function returns what is wrong, one clause
 * with field, value and bound; undefined when nothing is.
 */
import { isIP } from "node:net";
import type {
  Acknowledgement,
  Hello,
  PeerAddress,
  QuiesceConfirmation,
  Report,
  ResourceVersion,
  Version,
} from "../../proto/gen/spillway/control/v1/control_pb.ts";
import { controlLimits } from "./control-limits.ts";

type Problem = string | undefined;

const maxResources = 2 * controlLimits.maxResourcesPerKind;
const maxNodes = 1_000;
const maxAddresses = 4;
const maxSentenceLength = 1_024;
const maxNumber = 2n ** 62n;
const hashPattern = /^[0-9a-f]{64}$/;
const nodePattern = /^[-A-Za-z0-9.]{1,63}$/;

/** The first message. */
export function checkHello(hello: Hello): Problem {
  return (
    tooLong("sidecar_version", hello.sidecarVersion, 64) ??
    versionProblem("config_version", hello.configVersion) ??
    versionProblem("peers_version", hello.peersVersion) ??
    tooMany("descriptor_sets", hello.descriptorSets, maxResources) ??
    first(hello.descriptorSets, (hash) =>
      hashPattern.test(hash) ? undefined : "descriptor_sets holds what is no SHA-256 in hex",
    ) ??
    addressProblem("peer_address", hello.peerAddress)
  );
}

/** What is in force. */
export function checkAcknowledgement({ configVersion, resources }: Acknowledgement): Problem {
  return (
    versionProblem("config_version", configVersion) ??
    tooMany("resources", resources, maxResources) ??
    first(
      resources,
      ({ resource, message }) =>
        resourceProblem("resources", resource) ??
        tooLong("resources.message", message, maxSentenceLength),
    )
  );
}

/** How a sidecar is doing. */
export function checkReport(report: Report): Problem {
  const { demands, capabilities } = report;
  return (
    tooMany("demands", demands, controlLimits.maxResourcesPerKind) ??
    tooMany("capabilities", capabilities, controlLimits.maxResourcesPerKind) ??
    first(
      demands,
      (it) =>
        resourceProblem("demands", it.resource) ??
        nodesProblem("demands.connected_providers", it.connectedProviders),
    ) ??
    first(
      capabilities,
      (it) =>
        resourceProblem("capabilities", it.resource) ??
        nodesProblem("capabilities.joined_nodes", it.joinedNodes) ??
        tooLong("capabilities.not_delivering", it.notDelivering, maxSentenceLength),
    ) ??
    tooLong("multicast.message", report.multicast?.message ?? "", maxSentenceLength) ??
    addressProblem("peer_address", report.peerAddress)
  );
}

/** What is quiet. */
export function checkQuiesceConfirmation({ capabilities }: QuiesceConfirmation): Problem {
  return (
    tooMany("capabilities", capabilities, controlLimits.maxResourcesPerKind) ??
    first(capabilities, ({ uid }) => tooLong("capabilities.uid", uid, 63))
  );
}

function versionProblem(field: string, version: Version | undefined): Problem {
  if (version === undefined) return undefined;
  if (version.digest.length !== 32) {
    return `${field}.digest has ${version.digest.length.toString()} bytes, must have 32`;
  }
  // Deltas count on from here: room is left for every delta that could ever come.
  return version.number > maxNumber ? `${field}.number is above 2^62` : undefined;
}

function addressProblem(field: string, address: PeerAddress | undefined): Problem {
  if (address === undefined) return undefined;
  const { addresses, port } = address;
  if (port < 1 || port > 65_535) return `${field}.port ${port.toString()} is outside 1 … 65535`;
  if (addresses.length === 0) return `${field}.addresses is empty, must be 1 … 4`;
  return (
    tooMany(`${field}.addresses`, addresses, maxAddresses) ??
    first(addresses, (it) => (isIP(it) > 0 ? undefined : `${field}.addresses holds no IP address`))
  );
}

function resourceProblem(field: string, resource: ResourceVersion | undefined): Problem {
  const { length } = resource?.uid ?? "";
  return length >= 1 && length <= 63
    ? undefined
    : `${field}.resource.uid has ${length.toString()} characters, must have 1 … 63`;
}

function nodesProblem(field: string, nodeIds: readonly string[]): Problem {
  return (
    tooMany(field, nodeIds, maxNodes) ??
    first(nodeIds, (it) => (nodePattern.test(it) ? undefined : `${field} holds what is no node id`))
  );
}

function tooMany(field: string, list: readonly unknown[], bound: number): Problem {
  if (list.length <= bound) return undefined;
  return `${field} has ${list.length.toString()} entries, allowed are ${bound.toString()}`;
}

function tooLong(field: string, text: string, bound: number): Problem {
  if (text.length <= bound) return undefined;
  return `${field} has ${text.length.toString()} characters, allowed are ${bound.toString()}`;
}

function first<T>(list: readonly T[], check: (it: T) => Problem): Problem {
  for (const it of list) {
    const problem = check(it);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
