import { describe, expect, test } from "vitest";
import { MulticastError } from "../../../../sidecar/multicast/multicast-error.ts";
import {
  type MulticastSettings,
  resolveMulticastSettings,
} from "../../../../sidecar/multicast/multicast-settings.ts";

function codeOf(settings: MulticastSettings): string {
  try {
    resolveMulticastSettings(settings);
  } catch (error) {
    if (error instanceof MulticastError) return error.code;
    throw error;
  }
  return "accepted";
}

describe("multicast settings", () => {
  test("defaults", () => {
    expect(resolveMulticastSettings({})).toMatchObject({
      groups: [
        { family: 4, address: "239.255.77.77" },
        { family: 6, address: "ff02::4d4d" },
      ],
      port: 7077,
      interfaces: [],
      periodMs: 5_000,
    });
  });

  test.each(["224.0.0.1", "239.255.255.255", "ff02::1", "FF02::4d4d", "ff12::1"])(
    "the group %s is accepted",
    (group) => {
      expect(codeOf({ group })).toBe("accepted");
    },
  );

  test("an IPv6 group is the only one; an empty group6 leaves IPv4 alone", () => {
    expect(resolveMulticastSettings({ group: "ff02::1" }).groups).toHaveLength(1);
    expect(resolveMulticastSettings({ group6: "" }).groups).toHaveLength(1);
  });

  test.each([
    ["INVALID_GROUP", { group: "223.255.255.255" }],
    ["INVALID_GROUP", { group: "240.0.0.0" }],
    ["INVALID_GROUP", { group: "" }],
    ["INVALID_GROUP", { group: "cluster.local" }],
    ["INVALID_GROUP", { group: "fe80::1" }],
    ["INVALID_GROUP", { group: "ff05::1" }],
    ["INVALID_GROUP", { group: "ff02::1%eth0" }],
    ["INVALID_GROUP", { group6: "::1" }],
    ["INVALID_PORT", { port: 0 }],
    ["INVALID_PORT", { port: 65_536 }],
    ["INVALID_PORT", { port: 1.5 }],
    ["INVALID_PERIOD", { periodMs: 9 }],
    ["INVALID_PERIOD", { periodMs: 120_001 }],
    ["INVALID_PERIOD", { periodMs: Number.NaN }],
    ["INVALID_PATTERN", { skipInterfaces: "(" }],
  ] satisfies [string, MulticastSettings][])("%s: %j", (code, settings) => {
    expect(codeOf(settings)).toBe(code);
  });

  test.each([
    ["eth0", false],
    ["enp3s0", false],
    ["wlan0", false],
    ["docker0", true],
    ["br-1f2e3d", true],
    ["veth12ab", true],
    ["cni0", true],
    ["flannel.1", true],
    ["cali1234", true],
    ["kube-ipvs0", true],
  ])("of %s the built-in pattern says skip = %s", (name, skipped) => {
    expect(resolveMulticastSettings({}).skipInterfaces.test(name)).toBe(skipped);
  });

  test("a pattern of one's own replaces the built-in one", () => {
    const { skipInterfaces } = resolveMulticastSettings({ skipInterfaces: "^wlan" });
    expect([skipInterfaces.test("wlan0"), skipInterfaces.test("docker0")]).toEqual([true, false]);
  });
});
