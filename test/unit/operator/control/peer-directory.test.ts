import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PeerDirectory } from "../../../../operator/control/peer-directory.ts";
import { PeerAddressSchema } from "../../../../proto/gen/spillway/control/v1/control_pb.ts";
import { testDemand } from "../../../support/control-rig.ts";

const demands = ["a.A", "b.B", "c.C"].map((request) =>
  testDemand({
    spec: { contract: { request, response: "x.X", schema: { descriptorSet: "aGk=" } } },
  }),
);
const routes = demands.map((it) => it.route);
const address = create(PeerAddressSchema, { addresses: ["10.0.0.1"], port: 1 });

function host(nodeId: string, held: readonly number[], incarnation = 1n) {
  return {
    nodeId,
    address,
    incarnation,
    demands: held.flatMap((index) => demands.slice(index, index + 1)),
  };
}

const peersOf = (directory: PeerDirectory, pod: string) => [
  ...(directory.peersOf(pod)?.latest.parts.keys() ?? []),
];

test("pods with the same routes share one set; it changes when it is refreshed", () => {
  const directory = new PeerDirectory();
  for (const pod of ["p", "q"]) directory.setRoutes(pod, new Set(routes.slice(0, 1)));
  directory.setHost("h", host("h", [0]));
  expect(directory.isStale).toBe(true);
  expect(peersOf(directory, "p")).toEqual([]);
  expect(directory.refresh()).toEqual(["p", "q"]);
  expect(directory.peersOf("p")).toBe(directory.peersOf("q"));
  expect(directory.isStale).toBe(false);
});

test("a host that says the same again makes nothing stale", () => {
  const directory = new PeerDirectory();
  directory.setHost("h", host("h", [0]));
  directory.refresh();
  directory.setHost("h", host("h", [0]));
  expect(directory.isStale).toBe(false);
  directory.setHost("h", host("h", [0], 2n));
  expect(directory.isStale).toBe(true);
});

test("of 3,000 hosts 2,048 are told, whoever asks the same ones", () => {
  const told = [0, 1].map((turn) => {
    const directory = new PeerDirectory();
    directory.setRoutes("p", new Set(routes));
    const ids = Array.from({ length: 3_000 }, (_, index) => `h-${index.toString()}`);
    for (const id of turn === 0 ? ids : ids.toReversed()) directory.setHost(id, host(id, [0]));
    directory.refresh();
    return directory.peersOf("p")?.latest;
  });
  expect(told[0]?.parts.size).toBe(2_048);
  expect(told[0]?.digest).toBe(told[1]?.digest);
});

test("whatever comes and goes, after a refresh it is what a plain search finds", () => {
  const pods = ["p", "q", "r"];
  const names = ["h", "i", "p"];
  const some = fc.subarray([0, 1, 2]);
  const step = fc.oneof(
    fc.tuple(fc.constantFrom(...names), fc.option(some)).map(([name, held]) => ({ name, held })),
    fc.tuple(fc.constantFrom(...pods), some).map(([pod, wanted]) => ({ pod, wanted })),
    fc.constantFrom(...names, ...pods).map((gone) => ({ gone })),
    fc.constant("refresh" as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const directory = new PeerDirectory();
      const hosts = new Map<string, readonly number[]>();
      const readers = new Map<string, readonly number[]>();
      for (const it of steps) {
        if (it === "refresh") directory.refresh();
        else if ("gone" in it) {
          directory.delete(it.gone);
          hosts.delete(it.gone);
          readers.delete(it.gone);
        } else if ("name" in it) {
          directory.setHost(it.name, it.held === null ? undefined : host(it.name, it.held));
          hosts.set(it.name, it.held ?? []);
        } else {
          directory.setRoutes(it.pod, new Set(it.wanted.flatMap((at) => routes.slice(at, at + 1))));
          readers.set(it.pod, it.wanted);
        }
      }
      directory.refresh();
      for (const pod of pods) {
        const wanted = readers.get(pod);
        const found = [...hosts].filter(([, held]) => held.some((at) => wanted?.includes(at)));
        expect(peersOf(directory, pod).sort()).toEqual(found.map(([name]) => name).sort());
      }
    }),
  );
});
