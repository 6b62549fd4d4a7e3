/** The seed README's producer and provider, in two processes, in each of the three modes. */
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestCluster } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { repository } from "../support/running-folder.ts";

/** What the producer prints: the item, and the provider's answer to it. */
const answer = new RegExp(
  [
    String.raw`received results for work item \[\{"\$typeName":"seed.v1.MyMessage",`,
    String.raw`"foo":"bar","retries":3\},\{.*"kind":"result"`,
    String.raw`.*"status":"OK","message":"success with bar"`,
  ].join(""),
);

let folder: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  const parent = join(repository, "tmp");
  mkdirSync(parent, { recursive: true });
  folder = mkdtempSync(join(parent, "seed-"));
  cpSync(join(repository, "test/support/seed-programs"), folder, { recursive: true });
});

afterEach(async () => {
  const ends = children.splice(0).map(async (child) => {
    const exited = new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode === null && child.signalCode === null && child.kill("SIGTERM")) {
      await exited;
    }
  });
  await Promise.all(ends);
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a program. @returns what it prints. */
function start(args: readonly string[]): () => string {
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  }
  return () => output;
}

async function answered(outputs: Readonly<Record<string, () => string>>): Promise<void> {
  try {
    await eventually(() => Object.values(outputs).some((output) => answer.test(output())), {
      timeoutMs: 20_000,
      what: "the producer's answer",
    });
  } catch (error) {
    const all = Object.entries(outputs).map(([name, output]) => `${name}:\n${output()}`);
    throw new Error(all.join("\n"), { cause: error });
  }
}

/** A UDP port that is free now, so that two runs of the tests do not hear each other. */
async function freeUdpPort(): Promise<string> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return String(port);
}

const group = "239.255.77.79";

test("through sidecars", { timeout: 40_000 }, async () => {
  const up = start([join(repository, "dist/operator/cli/main.js"), "up", "."]);
  await answered({ up });
});

test("on their own nodes, in the development mode, which warns", { timeout: 40_000 }, async () => {
  const port = await freeUdpPort();
  const provider = start(["provider.ts", "development", group, port]);
  const producer = start(["producer.ts", "development", group, port]);
  await answered({ provider, producer });
  expect(provider()).toContain("[NO_CA_MODE]");
  expect(producer()).toContain("[NO_CA_MODE]");
});

test("on their own nodes, with credentials", { timeout: 40_000 }, async () => {
  const cluster = await createTestCluster();
  writeFileSync(join(folder, "ca.pem"), cluster.authority.certificatePem);
  for (const name of ["producer", "provider"]) {
    const leaf = await cluster.leaf(name);
    writeFileSync(join(folder, `${name}.pem`), leaf.certificatePem);
    writeFileSync(join(folder, `${name}.key`), leaf.privateKeyPem, { mode: 0o600 });
  }
  const port = await freeUdpPort();
  const producer = start(["producer.ts", "credentials", group, port, "producer"]);
  const provider = start(["provider.ts", "credentials", group, port, "provider"]);
  await answered({ provider, producer });
  expect(producer()).toContain('"provider":"provider"');
});
