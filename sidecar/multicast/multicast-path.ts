/** Which interfaces are multicast on, and at which addresses a node says that it can be dialled. */
import type { NetworkInterfaceInfo } from "node:os";
import type { ResolvedMulticastSettings } from "./multicast-settings.ts";

/** What `os.networkInterfaces` gives: only interfaces that are up and have an address. */
export type NetworkInterfaces = Readonly<Record<string, NetworkInterfaceInfo[] | undefined>>;

/** One interface in one family: where packets are sent and a membership is held. */
export interface MulticastPath {
  readonly interfaceName: string;
  readonly family: 4 | 6;
  /** Address that packets are sent from; an IPv6 link-local one with its zone. */
  readonly localAddress: string;
  /** How Node wants the interface named: IPv4 by an address of it, IPv6 by its zone. */
  readonly interfaceAddress: string;
}

/**
 * Chooses one path per interface and family of a group.
 * @returns in the order of the interfaces; empty when nothing fits now.
 */
export function selectPaths(
  interfaces: NetworkInterfaces,
  settings: ResolvedMulticastSettings,
): MulticastPath[] {
  const paths: MulticastPath[] = [];
  for (const [name, infos = []] of Object.entries(interfaces)) {
    for (const { family } of settings.groups) {
      const info = infos
        .filter(
          (candidate) => familyOf(candidate) === family && isChosen(name, candidate, settings),
        )
        // IPv6 multicast of link-local scope is sent from the link-local address.
        .toSorted((a, b) => Number(isLinkLocal(b.address)) - Number(isLinkLocal(a.address)))
        .at(0);
      if (info !== undefined) paths.push(pathOf(name, info));
    }
  }
  return paths;
}

/**
 * The addresses of the chosen interfaces that others can dial, IPv4 first. IPv6 link-local ones are
 * left out: they mean nothing without the zone of whoever dials.
 */
export function dialableAddresses(
  interfaces: NetworkInterfaces,
  settings: ResolvedMulticastSettings,
): string[] {
  return Object.entries(interfaces)
    .flatMap(([name, infos = []]) => infos.filter((info) => isChosen(name, info, settings)))
    .filter((info) => !isLinkLocal(info.address))
    .toSorted((a, b) => familyOf(a) - familyOf(b))
    .map((info) => info.address);
}

/** What makes a path one: a changed address makes another. */
export function pathKey(path: MulticastPath): string {
  return `${path.interfaceName} ${path.family} ${path.localAddress}`;
}

function isChosen(
  name: string,
  info: NetworkInterfaceInfo,
  settings: ResolvedMulticastSettings,
): boolean {
  if (settings.interfaces.length > 0) {
    if (settings.interfaces.includes(info.address)) return true;
    // Loopback has no link-local IPv6 address and no route for ff02::, so its name means IPv4.
    return settings.interfaces.includes(name) && !(info.internal && familyOf(info) === 6);
  }
  return !info.internal && !settings.skipInterfaces.test(name);
}

function pathOf(interfaceName: string, info: NetworkInterfaceInfo): MulticastPath {
  if (familyOf(info) === 4) {
    const { address } = info;
    return { interfaceName, family: 4, localAddress: address, interfaceAddress: address };
  }
  return {
    interfaceName,
    family: 6,
    localAddress: isLinkLocal(info.address) ? `${info.address}%${interfaceName}` : info.address,
    interfaceAddress: `::%${interfaceName}`,
  };
}

function familyOf(info: NetworkInterfaceInfo): 4 | 6 {
  return info.family === "IPv4" ? 4 : 6;
}

function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}
