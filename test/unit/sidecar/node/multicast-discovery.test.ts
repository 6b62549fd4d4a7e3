import type { NetworkInterfaceInfo } from "node:os";
import { describe, expect, onTestFinished, test } from "vitest";
import type { NetworkInterfaces } from "../../../../sidecar/multicast/index.ts";
import type { MulticastDiscoveryComponents } from "../../../../sidecar/node/multicast-discovery.ts";
import { silentLogger } from "../../../../sidecar/runtime/index.ts";
import { eventually } from "../../../support/eventually.ts";
import {
  createMulticastRig,
  type MulticastRig,
  type MulticastRigOptions,
  randomPort,
} from "../../../support/multicast-rig.ts";

const lo: NetworkInterfaceInfo = {
  address: "127.0.0.1",
  netmask: "255.0.0.0",
  family: "IPv4",
  mac: "",
  internal: false,
  cidr: null,
};

/** A rig whose interfaces are what the test says. */
function rigOn(
  interfaces: () => NetworkInterfaces,
  options: Partial<MulticastRigOptions> = {},
  components: Partial<MulticastDiscoveryComponents> = {},
): MulticastRig {
  const rig = createMulticastRig(
    { nodeId: "a", multicast: { port: randomPort(), periodMs: 50 }, ...options },
    () => undefined,
    { interfaces, ...components },
  );
  onTestFinished(() => rig.stop());
  return rig;
}

const hosts = (rig: MulticastRig): string[] =>
  rig.neighbours().flatMap((neighbour) => neighbour.endpoints.map((e) => e.host));

describe("multicast discovery", () => {
  test("starts without an interface, says so, and takes up one that comes", async () => {
    let interfaces: NetworkInterfaces = {};
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (_: object, text: string) => warnings.push(text) };
    const rig = rigOn(() => interfaces, {}, { logger });
    await rig.start();
    expect(warnings).toEqual(["no interface to multicast on yet"]);
    interfaces = { net0: [lo] };
    await eventually(() => rig.discovery.paths().length === 1);
    await eventually(async () => (await rig.metric("spillway_multicast_paths")) === 1);
  });

  test("announces the addresses of its interfaces, and new ones at once", async () => {
    const multicast = { port: randomPort(), periodMs: 50 };
    const second = { ...lo, address: "127.0.0.2" };
    let interfaces: NetworkInterfaces = { net0: [lo] };
    const a = rigOn(() => interfaces, { nodeId: "a", multicast });
    const b = rigOn(() => ({ net0: [lo] }), { nodeId: "b", multicast });
    await a.start();
    await b.start();
    await eventually(() => expect(hosts(b)).toEqual(["127.0.0.1"]));
    interfaces = { net0: [second] };
    await eventually(() => expect(hosts(b)).toEqual(["127.0.0.2"]));
  });

  test("announces the configured addresses instead, whatever the interfaces", async () => {
    const multicast = { port: randomPort(), periodMs: 50 };
    const a = rigOn(() => ({ net0: [lo] }), {
      nodeId: "a",
      multicast,
      advertiseAddresses: ["203.0.113.9"],
    });
    const b = rigOn(() => ({ net0: [lo] }), { nodeId: "b", multicast });
    await a.start();
    await b.start();
    await eventually(() => expect(hosts(b)).toEqual(["203.0.113.9"]));
  });

  test("an interface that always fails is counted each time and logged once", async () => {
    const warnings: object[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => warnings.push(fields) };
    const gone = { ...lo, address: "192.0.2.7" };
    const rig = rigOn(() => ({ gone0: [gone], net0: [lo] }), {}, { logger });
    await rig.start();
    const series = 'spillway_multicast_errors_total{operation="join",code="ENODEV"}';
    await eventually(async () => (await rig.metric(series)) >= 3);
    expect(warnings.filter((w) => "operation" in w && w.operation === "join")).toHaveLength(1);
    expect(rig.discovery.paths()).toHaveLength(1);
  });

  test("a node of another cluster key is warned about once", async () => {
    const warnings: object[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => warnings.push(fields) };
    const multicast = { port: randomPort(), periodMs: 50 };
    const one = () => ({ net0: [lo] });
    const a = rigOn(one, { nodeId: "a", multicast }, { logger });
    const b = rigOn(one, { nodeId: "b", multicast, clusterKey: new Uint8Array(32) });
    await a.start();
    await b.start();
    const series = 'spillway_multicast_announcements_refused_total{reason="BAD_MARK"}';
    await eventually(async () => (await a.metric(series)) >= 3);
    expect(warnings).toEqual([{ reason: "BAD_MARK" }]);
  });

  test("stopping twice, and before the start, is harmless", async () => {
    const rig = rigOn(() => ({ net0: [lo] }));
    await rig.stop();
    await rig.stop();
    expect(rig.discovery.paths()).toEqual([]);
  });

  test("settings outside their bounds are refused when it is made", () => {
    expect(() => rigOn(() => ({}), { multicast: { group: "10.0.0.1" } })).toThrow("10.0.0.1");
  });
});
