import type { NetworkInterfaceInfo } from "node:os";
import { describe, expect, test } from "vitest";
import { dialableAddresses, selectPaths } from "../../../../sidecar/multicast/multicast-path.ts";
import {
  type MulticastSettings,
  resolveMulticastSettings,
} from "../../../../sidecar/multicast/multicast-settings.ts";

function info(address: string, internal = false): NetworkInterfaceInfo {
  const common = { address, netmask: "", mac: "", internal, cidr: null };
  return address.includes(":")
    ? { ...common, family: "IPv6", scopeid: 2 }
    : { ...common, family: "IPv4" };
}

const machine = {
  lo: [info("127.0.0.1", true), info("::1", true)],
  eth0: [info("10.0.0.5"), info("10.0.0.6"), info("2001:db8::5"), info("fe80::5")],
  eth1: [info("192.168.1.5")],
  docker0: [info("172.17.0.1")],
};

const paths = (settings: MulticastSettings): string[] =>
  selectPaths(machine, resolveMulticastSettings(settings)).map(
    (path) => `${path.interfaceName} ${path.localAddress} ${path.interfaceAddress}`,
  );
const addresses = (settings: MulticastSettings): string[] =>
  dialableAddresses(machine, resolveMulticastSettings(settings));

describe("paths", () => {
  test("one per interface and family; loopback and container interfaces are left out", () => {
    expect(paths({})).toEqual([
      "eth0 10.0.0.5 10.0.0.5",
      "eth0 fe80::5%eth0 ::%eth0",
      "eth1 192.168.1.5 192.168.1.5",
    ]);
  });

  test("an IPv6 group uses IPv6 only", () => {
    expect(paths({ group: "ff02::1" })).toEqual(["eth0 fe80::5%eth0 ::%eth0"]);
  });

  test("named interfaces only, by name or by address", () => {
    expect(paths({ interfaces: ["eth1"] })).toEqual(["eth1 192.168.1.5 192.168.1.5"]);
    expect(paths({ interfaces: ["10.0.0.6"] })).toEqual(["eth0 10.0.0.6 10.0.0.6"]);
  });

  test("loopback when it is named, by either", () => {
    expect(paths({ interfaces: ["127.0.0.1"] })).toEqual(["lo 127.0.0.1 127.0.0.1"]);
    expect(paths({ interfaces: ["lo"] })).toEqual(["lo 127.0.0.1 127.0.0.1"]);
  });

  test("a skipped interface when it is named", () => {
    expect(paths({ interfaces: ["docker0"] })).toEqual(["docker0 172.17.0.1 172.17.0.1"]);
  });

  test("none when the named one is not there", () => {
    expect(paths({ interfaces: ["eth9"] })).toEqual([]);
  });
});

describe("addresses to be dialled at", () => {
  test("all of the chosen interfaces, IPv4 first, no link-local ones", () => {
    expect(addresses({})).toEqual(["10.0.0.5", "10.0.0.6", "192.168.1.5", "2001:db8::5"]);
  });

  test("127.0.0.1 when that is what was named", () => {
    expect(addresses({ interfaces: ["127.0.0.1"] })).toEqual(["127.0.0.1"]);
  });
});
