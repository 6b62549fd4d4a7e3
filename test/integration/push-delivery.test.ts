/** Push delivery and a changed manifest through `spillway up` with real sidecars. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse, stringify } from "yaml";
import { eventually } from "../support/eventually.ts";
import { writeFolder } from "../support/example-folder.ts";
import { capabilityManifest, type Json } from "../support/manifests.ts";
import { freePort, runCli, startFolder } from "../support/running-folder.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Answers every POST with its request's width as text, or as its path asks. */
const worker = `import { createServer } from "node:http";
createServer((request, response) => {
  if (request.method !== "POST") return response.end("fine");
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    const { width } = JSON.parse(body);
    if (width === 13) return response.writeHead(422).end("thirteen is refused");
    const image = Buffer.from(String(width) + " by attempt " + request.headers["spillway-attempt"]);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ image: image.toString("base64") }));
  });
}).listen(Number(process.env.PORT), "127.0.0.1");
`;

async function start() {
  const [webPort, workerPort] = [await freePort(), await freePort()];
  const folder = writeFolder(temporaryFolder(), {
    capability: capabilityManifest((manifest) => {
      manifest.spec.deliver = { port: workerPort, path: "/work" };
    }),
    apps: [
      { name: "web", labels: { app: "web" }, command: ["node", "worker.mjs"], port: webPort },
      {
        name: "worker",
        labels: { app: "worker" },
        command: ["node", "worker.mjs"],
        port: workerPort,
      },
    ],
    files: { "worker.mjs": worker },
  });
  const running = await startFolder(folder, webPort);
  onTestFinished(() => running.remove());
  return { folder, running };
}

function send(folder: string, width: number): Json {
  const sent = runCli(["send", folder, "thumbnails", JSON.stringify({ width }), "--wait"]);
  return { ...sent, item: sent.stdout === "" ? undefined : JSON.parse(sent.stdout) };
}

describe("push delivery", () => {
  it("posts an item to the application's port and takes its answer as the result", async () => {
    const { folder } = await start();
    const { item, stderr } = send(folder, 640);
    expect(stderr).toBe("");
    expect(item.state).toBe("done");
    const image = Buffer.from(item.outcome.result.image, "base64").toString();
    expect(image).toBe("640 by attempt 1");
  });

  it("takes a 4xx answer as the item's end", async () => {
    const { folder } = await start();
    const { item } = send(folder, 13);
    expect(item.state).toBe("dead");
    expect(item.attempts).toEqual({ acquired: 1, failed: 1 });
    expect(item.outcome.error).toMatchObject({ code: "HTTP_422", retryable: false });
  });

  it("takes a changed manifest without a restart", async () => {
    const { folder, running } = await start();
    const pidsBefore = running.status().programs.map(({ sidecar }) => sidecar.pid);
    const file = join(folder, "capability.yaml");
    const manifest = parse(readFileSync(file, "utf8"));
    manifest.spec.concurrency = 7;
    writeFileSync(file, stringify(manifest));
    await eventually(
      () => {
        const { capabilities }: Json = running.status();
        return capabilities[0].slots === 7;
      },
      { timeoutMs: 15_000, intervalMs: 300, what: "7 slots" },
    );
    expect(running.status().programs.map(({ sidecar }) => sidecar.pid)).toEqual(pidsBefore);
    expect(send(folder, 320).item.state).toBe("done");
  });
});
