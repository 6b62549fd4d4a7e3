import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { configMapYaml } from "../../../../operator/local/config-map.ts";
import { loadFolder, loadManifests } from "../../../../operator/local/load-folder.ts";
import { LocalError } from "../../../../operator/local/local-error.ts";
import { messagesOf } from "../../../../operator/local/proto-files.ts";
import { type FolderContent, imagesProto, writeFolder } from "../../../support/example-folder.ts";
import { capabilityManifest, demandManifest } from "../../../support/manifests.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const environment = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "" };

/** The code and the words of a refusal, the folder's own path replaced by FOLDER. */
async function refusalOf(content: FolderContent): Promise<[string, string]> {
  const folder = writeFolder(temporaryFolder(), content);
  try {
    await loadFolder(folder, environment);
  } catch (error) {
    if (!(error instanceof LocalError)) throw error;
    return [error.code, error.message.replaceAll(folder, "FOLDER")];
  }
  throw new Error("the folder was accepted");
}

test("a right folder is read whole", async () => {
  const folder = writeFolder(temporaryFolder());
  const loaded = await loadFolder(folder, environment);
  expect(loaded.apps.map(({ app }) => app.name)).toEqual(["web", "worker"]);
  expect(loaded.demands.map(({ resource }) => resource.metadata.name)).toEqual(["thumbnails"]);
  expect(loaded.notes).toEqual([]);
  expect(loaded.watched).toEqual([loaded.folder.path]);
});

test("a descriptor set holds what the contract needs and nothing else", async () => {
  const folder = writeFolder(temporaryFolder());
  const [demand] = (await loadFolder(folder, environment)).demands;
  expect(messagesOf(demand?.descriptorSet.content ?? new Uint8Array())).toEqual([
    "images.v1.Thumbnail",
    "images.v1.ThumbnailRequest",
  ]);
});

test("the ConfigMap of `contract` holds the bytes that `up` gives the sidecars", async () => {
  const folder = writeFolder(temporaryFolder());
  const { demands, capabilities, configMaps } = await loadManifests(folder, environment);
  const map = parse(configMapYaml(configMaps));
  expect(map).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "images" } });
  const bytes = Buffer.from(map.binaryData["images.binpb"], "base64");
  for (const { descriptorSet } of [...demands, ...capabilities]) {
    expect(bytes.equals(descriptorSet.content)).toBe(true);
  }
});

test("a contract that carries its descriptor set needs no .proto file", async () => {
  const source = await loadManifests(writeFolder(temporaryFolder()), environment);
  const content = Buffer.from(source.demands[0]?.descriptorSet.content ?? []).toString("base64");
  const folder = writeFolder(temporaryFolder(), {
    demand: demandManifest((it) => (it.spec.contract.schema = { descriptorSet: content })),
    capability: capabilityManifest((it) => (it.spec.contract.schema = { descriptorSet: content })),
  });
  rmSync(join(folder, "images.proto"));
  const loaded = await loadFolder(folder, environment);
  expect(loaded.demands[0]?.descriptorSet.hash).toBe(source.demands[0]?.descriptorSet.hash);
  expect(loaded.configMaps).toEqual([]);
});

test("what package managers and other tools put there is left alone", async () => {
  const folder = writeFolder(temporaryFolder(), {
    files: {
      "node_modules/x/broken.proto": "this is no proto",
      "buf.gen.yaml": "version: v2\n",
      "deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\n",
    },
  });
  const { notes } = await loadFolder(folder, environment);
  expect(notes).toEqual([
    `${folder}/deployment.yaml:1: a Deployment is no resource of ours and is left alone`,
  ]);
});

test("a selector that matches no program is worth a warning", async () => {
  const demand = demandManifest((it) => (it.spec.selector.matchLabels.app = "shop"));
  const folder = writeFolder(temporaryFolder(), { demand });
  expect((await loadFolder(folder, environment)).warnings).toEqual([
    `${folder}/demand.yaml:13: the selector of Demand thumbnails matches no program of apps.yaml`,
  ]);
});

describe("refusals name file, line, column, field, value, bound and remedy", () => {
  const refused: readonly [string, FolderContent, string, string][] = [
    [
      "a number out of range",
      { demand: demandManifest((it) => (it.spec.maxProviders = 2000)) },
      "MANIFEST_INVALID",
      "FOLDER/demand.yaml:16:17: spec.maxProviders is out of range (it is 2000; allowed: 1 to 1000). Write a whole number from 1 to 1000.",
    ],
    [
      "an unknown field, at its name",
      { files: { "demand.yaml": "apiVersion: spillway.dev/v1alpha1\nkind: Demandd\n" } },
      "MANIFEST_INVALID",
      'FOLDER/demand.yaml:2:7: kind is no kind of spillway.dev (it is "Demandd"; allowed: Demand, Capability). Write Demand.',
    ],
    [
      "a field that is missing, at what should hold it",
      { demand: demandManifest((it) => delete it.spec.selector) },
      "MANIFEST_INVALID",
      "FOLDER/demand.yaml:5:1: spec.selector is missing. Add it: pods whose sidecars host the queue, one queue each.",
    ],
    [
      "a kind that this version does not carry out",
      { files: { "tier.yaml": "apiVersion: spillway.dev/v1alpha1\nkind: SessionTier\n" } },
      "MANIFEST_INVALID",
      'FOLDER/tier.yaml:2:7: kind "SessionTier" is not carried out by this version of spillway. Take the document out.',
    ],
    [
      "a field that this version does not carry out",
      { demand: demandManifest((it) => (it.spec.queue = { durability: "Disk" })) },
      "MANIFEST_INVALID",
      "FOLDER/demand.yaml:17:17: spec.queue.durability is not carried out by this version of spillway (it is Disk). Take it out.",
    ],
    [
      "text that is no YAML",
      { files: { "demand.yaml": "kind: [Demand\n" } },
      "MANIFEST_INVALID",
      "FOLDER/demand.yaml:2:1: is no YAML: Flow sequence in block collection must be sufficiently indented and end with a ]. Correct the line.",
    ],
    [
      "aliases that unfold without end",
      {
        files: {
          "demand.yaml": `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n`,
        },
      },
      "MANIFEST_INVALID",
      "FOLDER/demand.yaml:1:1: cannot be read: Excessive alias count indicates a resource exhaustion attack. Use fewer aliases.",
    ],
    [
      "two Demands of one name",
      { files: { "other.yaml": JSON.stringify(demandManifest()) } },
      "MANIFEST_INVALID",
      'FOLDER/other.yaml:1:74: metadata.name "thumbnails" is also the name of the Demand at FOLDER/demand.yaml:4. Rename one of the two.',
    ],
    [
      "a proto that does not compile",
      { proto: imagesProto.replace("uint32 width", "uint33 width") },
      "PROTO_INVALID",
      'FOLDER/images.proto:5:3: does not compile: cannot find `uint33` in this scope, in "uint33 width = 2;". Correct the file.',
    ],
    [
      "a message that no proto declares, with the one that was meant",
      { demand: demandManifest((it) => (it.spec.contract.request = "image.v1.ThumbnailRequest")) },
      "MANIFEST_INVALID",
      `FOLDER/demand.yaml:7:14: spec.contract.request names no message of the folder's .proto files (it is "image.v1.ThumbnailRequest"). Write images.v1.ThumbnailRequest.`,
    ],
    [
      "a descriptor set that is none",
      { demand: demandManifest((it) => (it.spec.contract.schema = { descriptorSet: "AAAA" })) },
      "MANIFEST_INVALID",
      "FOLDER/demand.yaml:10:22: spec.contract.schema.descriptorSet is no encoded FileDescriptorSet. Write it with buf build --as-file-descriptor-set -o - | base64 -w0.",
    ],
    [
      "a push port that is not the program's",
      { capability: capabilityManifest((it) => (it.spec.deliver = { port: 9000 })) },
      "MANIFEST_INVALID",
      "FOLDER/capability.yaml:17:11: spec.deliver.port is 9000, but worker (FOLDER/apps.yaml:8) has no port. Write the same port in both.",
    ],
    [
      "a program without a command",
      { apps: [{ name: "web", labels: {} }] },
      "APPS_INVALID",
      "FOLDER/apps.yaml:2:5: apps[0].command is missing. Add it: program and arguments; no shell. Runs in the folder, PATH begins with node's.",
    ],
    [
      "two programs of one name",
      {
        apps: [
          { name: "web", labels: {}, command: ["a"] },
          { name: "web", labels: {}, command: ["a"] },
        ],
      },
      "APPS_INVALID",
      'FOLDER/apps.yaml:6:11: apps[1].name "web" stands twice. Rename one of the two.',
    ],
  ];
  test.each(refused)("%s", async (_name, content, code, message) => {
    expect(await refusalOf(content)).toEqual([code, message]);
  });
});

test("more than one fault: each has its line", async () => {
  const demand = demandManifest((it) => Object.assign(it.spec, { maxProviders: 0, paused: 1 }));
  const [, message] = await refusalOf({ demand });
  const [first, second, ...others] = (message ?? "").split("\n");
  expect(first).toMatch(/^FOLDER\/demand.yaml:16:17: spec.maxProviders is out of range/);
  expect(second).toMatch(/^FOLDER\/demand.yaml:\d+:\d+: spec.paused is not true or false/);
  expect(others).toEqual([]);
});

test("ten faults are told, those after them are counted", async () => {
  const faults = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`unknown${at}`, 1]));
  const demand = demandManifest((it) => Object.assign(it.spec, faults));
  const [, message] = await refusalOf({ demand });
  const lines = (message ?? "").split("\n");
  expect(lines).toHaveLength(11);
  expect(lines[10]).toBe("(2 more after these)");
});

test("a folder without apps.yaml says what to write", async () => {
  const folder = writeFolder(temporaryFolder());
  rmSync(join(folder, "apps.yaml"));
  await expect(loadFolder(folder, environment)).rejects.toThrow(
    `${folder}/apps.yaml: is missing. Write apps.yaml with a list of apps`,
  );
});

test("a folder that is not there is refused by its name", async () => {
  await expect(loadFolder("/nowhere/at/all", environment)).rejects.toThrow(
    /^\/nowhere\/at\/all does not exist\. Give a folder with manifests/,
  );
});

test("a contract that needs protos in a folder without one says so", async () => {
  const folder = writeFolder(temporaryFolder());
  rmSync(join(folder, "images.proto"));
  mkdirSync(join(folder, "empty"));
  await expect(loadFolder(folder, environment)).rejects.toThrow(
    /configMapRef has no source: the folder holds no .proto file. Add one that declares/,
  );
});
