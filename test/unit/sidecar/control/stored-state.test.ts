import { createHash } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  ConfigDeltaSchema,
  PeersDeltaSchema,
} from "../../../../proto/gen/spillway/control/v1/control_pb.ts";
import { StoredIdentitySchema } from "../../../../proto/gen/spillway/control/v1/stored_pb.ts";
import { StateFolder } from "../../../../sidecar/control/state-folder.ts";
import { StoredStates } from "../../../../sidecar/control/stored-state.ts";
import { HeldConfig } from "../../../../sidecar/core/control/index.ts";
import { silentLogger } from "../../../../sidecar/runtime/index.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const identity = create(StoredIdentitySchema, { nodeId: "n", privateKeyPem: "KEY" });

function version(number: number) {
  return { number: BigInt(number), digest: new Uint8Array([number]) };
}

function setOf(text: string) {
  const content = new TextEncoder().encode(text);
  const hash = createHash("sha256").update(content).digest("hex");
  return { $typeName: "spillway.control.v1.DescriptorSet" as const, hash, content };
}

/** What the operator told: a demand with these descriptors. */
function heldWith(held: HeldConfig, number: number, text: string): HeldConfig {
  const set = setOf(text);
  held.takeDescriptorSet(set);
  const config = { name: "d", contract: { descriptorSet: set.hash } };
  const demands = [{ resource: { uid: "u", generation: 1n }, config }];
  held.takeConfig(create(ConfigDeltaSchema, { version: version(number), demands }));
  return held;
}

async function open(path: string, logger = silentLogger): Promise<StoredStates> {
  return new StoredStates(await StateFolder.open(path), logger);
}

describe("what is kept between two starts", () => {
  it("is what was held", async () => {
    const path = temporaryFolder();
    const states = await open(path);
    const held = heldWith(new HeldConfig(), 1, "one");
    held.takePeers(create(PeersDeltaSchema, { version: version(1), peers: [{ nodeId: "p" }] }));
    await states.writeIdentity(identity);
    await states.writeConfig(held);
    await states.writePeers(held);
    const read = await (await open(path)).read();
    expect(read.identity).toEqual(identity);
    const again = new HeldConfig(read.config);
    expect(again.demands()).toEqual(held.demands());
    expect(again.descriptorSets()).toEqual(held.descriptorSets());
    expect(again.peers()).toEqual(held.peers());
    expect([again.configVersion, again.peersVersion]).toEqual([
      held.configVersion,
      held.peersVersion,
    ]);
  });

  it("is nothing at a first start", async () => {
    const read = await (await open(temporaryFolder())).read();
    expect(read.identity).toBeUndefined();
    expect(new HeldConfig(read.config).configVersion).toBeUndefined();
  });

  it("has the descriptors that are named and no others, also over a restart", async () => {
    const path = temporaryFolder();
    const held = heldWith(new HeldConfig(), 1, "one");
    await (await open(path)).writeConfig(held);
    const states = await open(path);
    await states.read();
    await states.writeConfig(heldWith(held, 2, "two"));
    const files = readdirSync(path).filter((name) => name.startsWith("descriptors-"));
    expect(files).toEqual([`descriptors-${setOf("two").hash}`]);
  });

  it("leaves out what is damaged, says so, and keeps the rest", async () => {
    const path = temporaryFolder();
    const states = await open(path);
    await states.writeIdentity(identity);
    await states.writeConfig(heldWith(new HeldConfig(), 1, "one"));
    writeFileSync(join(path, "configuration"), "damaged");
    const warnings: unknown[] = [];
    const logger = { ...silentLogger, warn: (fields: unknown) => void warnings.push(fields) };
    const read = await (await open(path, logger)).read();
    expect(read.identity).toEqual(identity);
    expect(read.config.config).toBeUndefined();
    expect(warnings).toMatchObject([{ file: "configuration" }]);
  });
});
