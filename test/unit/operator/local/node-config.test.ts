import { expect, test } from "vitest";
import type { LoadedManifests } from "../../../../operator/local/load-folder.ts";
import { parseLocatedDocuments } from "../../../../operator/local/located-document.ts";
import { readManifests } from "../../../../operator/local/manifests.ts";
import {
  nodeConfigOf,
  nodeConfigYaml,
  type ReplicaPlace,
} from "../../../../operator/local/node-config.ts";
import { parseNodeConfig } from "../../../../sidecar/wire/node-config.ts";
import { capabilityManifest, demandManifest, type Json } from "../../../support/manifests.ts";

/** "hello" stands for the descriptors: nothing here looks inside. */
const descriptorSet = {
  hash: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
  content: new TextEncoder().encode("hello"),
};

function manifestsOf(...manifests: Json[]): LoadedManifests {
  const parsed = parseLocatedDocuments(
    "x.yaml",
    manifests.map((it) => JSON.stringify(it)).join("\n---\n"),
  );
  const { demands, capabilities, problems } = readManifests(parsed.ok ? parsed.documents : []);
  expect(problems).toEqual([]);
  return {
    folder: {
      path: "/srv/shop",
      shown: "shop",
      hash8: "0a1b2c3d",
      clusterId: "local-0a1b2c3d",
      namespace: "shop",
    },
    demands: demands.map((it) => ({ ...it, descriptorSet })),
    capabilities: capabilities.map((it) => ({ ...it, descriptorSet })),
    configMaps: [],
    notes: [],
  };
}

function placeOf(program: string, labels: Record<string, string>, port?: number): ReplicaPlace {
  return {
    nodeId: `${program}-0.0a1b2c3d`,
    labels,
    port,
    paths: {
      configFile: `/run/x/${program}-0/config.yaml`,
      stateFolder: `/run/x/${program}-0/state`,
      certificateFile: `/run/x/${program}-0/certificate.pem`,
      privateKeyFile: `/run/x/${program}-0/private-key.pem`,
      caFile: "/run/x/ca.pem",
      clusterKeyFile: "/run/x/cluster-key",
      appSocket: `/run/x/${program}-0.sock`,
      readyFile: `/run/x/${program}-0/ready.json`,
    },
  };
}

test("the configuration of a demand's sidecar, whole", () => {
  const manifests = manifestsOf(demandManifest(), capabilityManifest());
  const yaml = nodeConfigYaml(nodeConfigOf(manifests, placeOf("web", { app: "web" })));
  expect(yaml).toMatchInlineSnapshot(`
    "clusterId: local-0a1b2c3d
    namespace: shop
    nodeId: web-0.0a1b2c3d
    stateFolder: /run/x/web-0/state
    identity:
      certificateFile: /run/x/web-0/certificate.pem
      privateKeyFile: /run/x/web-0/private-key.pem
      caFile: /run/x/ca.pem
      clusterKeyFile: /run/x/cluster-key
    listeners:
      peer:
        host: 127.0.0.1
      appSocket: /run/x/web-0.sock
      admin:
        host: 127.0.0.1
      ops:
        host: 127.0.0.1
      readyFile: /run/x/web-0/ready.json
    discovery:
      multicast:
        interfaces:
          - 127.0.0.1
      advertiseAddresses:
        - 127.0.0.1
    demands:
      - name: thumbnails
        contract:
          request: images.v1.ThumbnailRequest
          response: images.v1.Thumbnail
          descriptorSet: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
        desiredProviders: 1
        maxProviders: 10
        lease:
          duration: 15s
          maxRuntime: 600s
        retry:
          maxAttempts: 5
          backoff:
            initial: 0.200s
            max: 60s
            factor: 2
        queue:
          maxItems: 10000
          maxBytes: "268435456"
          overflow: OVERFLOW_REFUSE
        deadLetter:
          maxItems: 1000
          maxAge: 86400s
        retention:
          maxItems: 10000
          maxBytes: "67108864"
          maxAge: 3600s
    descriptorSets:
      - hash: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
        content: aGVsbG8=
    drainGrace: 4s
    "
  `);
  expect(parseNodeConfig(yaml)).toMatchObject({ ok: true });
});

test("a capability's sidecar has what its selector gives it, and no more", () => {
  const manifests = manifestsOf(demandManifest(), capabilityManifest());
  const config = nodeConfigOf(manifests, placeOf("worker", { app: "worker" }));
  expect(config.demands).toEqual([]);
  expect(config.capabilities.map(({ name }) => name)).toEqual(["thumbnailer"]);
  expect(config.descriptorSets).toHaveLength(1);
});

test("a program that nothing selects gets a sidecar without work", () => {
  const config = nodeConfigOf(manifestsOf(demandManifest()), placeOf("other", { app: "other" }));
  expect([config.demands, config.capabilities, config.descriptorSets]).toEqual([[], [], []]);
  expect(parseNodeConfig(nodeConfigYaml(config))).toMatchObject({ ok: true });
});

test("the push port of a replica is its own", () => {
  const capability = capabilityManifest((it) => {
    it.spec.deliver = { port: 9000, path: "/work", readyPath: "/ready" };
  });
  const place = placeOf("worker", { app: "worker" }, 9002);
  const [config] = nodeConfigOf(manifestsOf(capability), place).capabilities;
  expect(config?.deliver).toMatchObject({ port: 9002, path: "/work", readyPath: "/ready" });
});

test("what the author wrote stands in the configuration, not the default", () => {
  const demand = demandManifest((it) =>
    Object.assign(it.spec, {
      desiredProviders: 3,
      maxProviders: 5,
      lease: { duration: "5s", maxRuntime: "1h30m", progressTimeout: "30s" },
      retry: { maxAttempts: 8, backoff: { initial: "1s", max: "2s", factor: 1.5 } },
      queue: { maxItems: 7, maxBytes: "1Mi", overflow: "Wait" },
      deadLetter: { maxItems: 3, maxAge: "2h" },
      retention: { maxItems: 4, maxBytes: "2Ki", maxAge: "3m" },
      paused: true,
    }),
  );
  const yaml = nodeConfigYaml(nodeConfigOf(manifestsOf(demand), placeOf("web", { app: "web" })));
  expect(
    yaml.slice(yaml.indexOf("demands:"), yaml.indexOf("descriptorSets:")),
  ).toMatchInlineSnapshot(`
    "demands:
      - name: thumbnails
        contract:
          request: images.v1.ThumbnailRequest
          response: images.v1.Thumbnail
          descriptorSet: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
        desiredProviders: 3
        maxProviders: 5
        lease:
          duration: 5s
          maxRuntime: 5400s
          progressTimeout: 30s
        retry:
          maxAttempts: 8
          backoff:
            initial: 1s
            max: 2s
            factor: 1.5
        queue:
          maxItems: 7
          maxBytes: "1048576"
          overflow: OVERFLOW_WAIT
        deadLetter:
          maxItems: 3
          maxAge: 7200s
        retention:
          maxItems: 4
          maxBytes: "2048"
          maxAge: 180s
        paused: true
    "
  `);
});
