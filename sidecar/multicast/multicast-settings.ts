/** How a node multicasts, checked and completed. */
import { isIPv4, isIPv6 } from "node:net";
import { MulticastError } from "./multicast-error.ts";

/** What may be left out takes its default. */
export interface MulticastSettings {
  /**
   * Group address, IPv4 or IPv6.
   * @default "239.255.77.77", and on each interface also `group6`
   */
  readonly group?: string;
  /** IPv6 group used beside an IPv4 `group`; empty turns it off. @default "ff02::4d4d" */
  readonly group6?: string;
  /** UDP port of the group. @default 7077 */
  readonly port?: number;
  /** Interfaces by name or address; loopback only when it is named. @default all that are up */
  readonly interfaces?: readonly string[];
  /** Interface names to leave out unless they are named. @default those of container plugins */
  readonly skipInterfaces?: string;
  /** Time between two announcements, and between two looks at the interfaces. @default 5,000 */
  readonly periodMs?: number;
}

/** Complete settings. */
export interface ResolvedMulticastSettings {
  readonly groups: readonly MulticastGroup[];
  readonly port: number;
  readonly interfaces: readonly string[];
  readonly skipInterfaces: RegExp;
  readonly periodMs: number;
}

/** One group and the family it is reached over. */
export interface MulticastGroup {
  readonly family: 4 | 6;
  readonly address: string;
}

/**
 * Bridges and virtual pairs of container engines and of CNI plugins: what is sent there reaches the
 * node's own containers at best, and each would cost a membership.
 */
export const defaultSkippedInterfaces =
  "^(docker|br-|veth|cni|flannel|cali|cilium|lxc|kube-|nodelocaldns|virbr|podman|weave|vxlan|" +
  "tunl|dummy|ovn|antrea|genev|bridge|awdl|llw|utun)";

/**
 * Completes settings.
 * @throws {MulticastError} `INVALID_GROUP`, `INVALID_PORT`, `INVALID_PERIOD` or `INVALID_PATTERN`.
 */
export function resolveMulticastSettings(settings: MulticastSettings): ResolvedMulticastSettings {
  const { group = "239.255.77.77", group6 = "ff02::4d4d", port = 7077 } = settings;
  const { interfaces = [], skipInterfaces = "", periodMs = 5_000 } = settings;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new MulticastError("INVALID_PORT", `multicast port ${port}: must be 1 to 65535`);
  }
  // The announcer's ttl, five periods, is bounded by 10 min.
  if (!(periodMs >= 10 && periodMs <= 120_000)) {
    const bound = "must be 10 ms to 2 min";
    throw new MulticastError("INVALID_PERIOD", `multicast period ${periodMs} ms: ${bound}`);
  }
  return {
    groups: resolveGroups(group, group6),
    port,
    interfaces,
    skipInterfaces: resolvePattern(skipInterfaces),
    periodMs,
  };
}

function resolveGroups(group: string, group6: string): MulticastGroup[] {
  const groups = [groupOf(group)];
  if (groups[0]?.family === 4 && group6 !== "") groups.push(groupOf(group6));
  return groups;
}

function groupOf(address: string): MulticastGroup {
  const firstOctet = Number(address.split(".")[0]);
  if (isIPv4(address) && firstOctet >= 224 && firstOctet <= 239) return { family: 4, address };
  // Link-local only: a wider scope would need routers, and TTL 1 forbids them anyway.
  if (isIPv6(address) && /^ff[0-9a-f]2:/i.test(address) && !address.includes("%")) {
    return { family: 6, address };
  }
  const bound = "must be 224.0.0.0 to 239.255.255.255, or IPv6 of link-local scope (ff02::…)";
  throw new MulticastError("INVALID_GROUP", `multicast group ${JSON.stringify(address)}: ${bound}`);
}

function resolvePattern(pattern: string): RegExp {
  try {
    return new RegExp(pattern === "" ? defaultSkippedInterfaces : pattern);
  } catch (error) {
    const message = `skipInterfaces ${JSON.stringify(pattern)} is no regular expression`;
    throw new MulticastError("INVALID_PATTERN", message, { cause: error });
  }
}
