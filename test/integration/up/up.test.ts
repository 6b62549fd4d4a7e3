/** `spillway up` as it ships, with real programs and a fake sidecar: what is tested is `up`. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { stringify } from "yaml";
import { eventually } from "../../support/eventually.ts";
import {
  type FolderContent,
  imagesProto,
  twoApps,
  writeFolder,
} from "../../support/example-folder.ts";
import { exampleProgram } from "../../support/example-program.ts";
import { demandManifest } from "../../support/manifests.ts";
import { fakeSidecar, processesOf, spillway, UpProcess } from "../../support/up-process.ts";

/** Who carries out what a test or a block of tests needs at its end. */
type AtEnd = (end: () => Promise<void>) => void;

/** A folder to run, and a runtime folder beside it. */
function prepare(
  content: FolderContent = {},
  atEnd: AtEnd = onTestFinished,
): { folder: string; runtimeFolder: string } {
  const base = mkdtempSync(join(tmpdir(), "sw-"));
  atEnd(async () => rmSync(base, { recursive: true, force: true }));
  const [folder, runtimeFolder] = [join(base, "shop"), join(base, "run")];
  mkdirSync(runtimeFolder);
  const files = { "program.mjs": exampleProgram, ...content.files };
  writeFolder(folder, { ...content, files });
  return { folder, runtimeFolder };
}

async function start(
  content: FolderContent = {},
  atEnd: AtEnd = onTestFinished,
): Promise<UpProcess & { folder: string }> {
  const places = prepare(content, atEnd);
  const up = new UpProcess({ ...places, atEnd });
  await up.ready();
  return Object.assign(up, { folder: places.folder });
}

/** What a program of the test wrote about itself. */
function factsOf(folder: string, name: string): { env: Record<string, string>; child: number } {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.startsWith("Z") === false;
  } catch {
    return false;
  }
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("a folder that runs", () => {
  let up: UpProcess & { folder: string };
  let port = 0;
  /** What the shared one needs at its end, the last first. */
  const ends: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    port = await freePort();
    const apps = [{ ...twoApps[0], port, replicas: 2, env: { COLOUR: "blue" } }, twoApps[1]];
    up = await start({ apps }, (end) => void ends.unshift(end));
  });
  afterAll(async () => {
    for (const end of ends) await end();
  });

  test("gives each program its own env and our four variables, nothing else", async () => {
    const { env } = factsOf(up.folder, "web-0");
    expect(Object.keys(env).sort()).toEqual(["COLOUR", "HOME", "PATH", "PORT", "SPILLWAY_SOCKET"]);
    expect(env["PATH"]?.split(":")[0]).toBe(dirname(process.execPath));
    expect(env["PORT"]).toBe(String(port));
    expect(env["SPILLWAY_SOCKET"]).toBe(up.program("web-0").sidecar.socketPath);
    expect(Number(factsOf(up.folder, "web-1").env["PORT"])).toBeGreaterThan(port);
    expect(up.stdout).toContain(`try:\n  open http://127.0.0.1:${port} in a browser\n`);
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe("web-0");
  });

  test("keeps its state where nobody else may look", async () => {
    const [state = ""] = readdirSync(up.runtimeFolder);
    const path = join(up.runtimeFolder, state);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(path, "web-0/private-key.pem")).mode & 0o777).toBe(0o600);
    expect(statSync(join(path, "cluster-key")).mode & 0o777).toBe(0o600);
  });

  test("is told by `status`, in the shape that scripts rely on", async () => {
    const { code, stdout } = spillway(["status", up.folder, "--json"], up.runtimeFolder);
    const status = JSON.parse(stdout);
    expect(Object.keys(status)).toEqual([
      ...["programs", "demands", "capabilities", "tiers", "problems"],
    ]);
    expect(status.programs[2]).toEqual({
      name: "worker",
      replica: 0,
      pid: up.pidOf("worker-0"),
      sidecar: {
        pid: up.sidecarPidOf("worker-0"),
        role: "front",
        socketPath: up.program("worker-0").sidecar.socketPath,
        adminUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
        opsUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      },
    });
    expect(status.demands[0]).toMatchObject({
      name: "thumbnails",
      // Two queues, one beside each replica of web.
      counts: { ready: 2, leased: 4, delayed: 0, done: 6, dead: 0 },
      desiredProviders: 2,
      providers: [{ id: "worker-0", rttMs: 0.5, leased: 4, credit: 2 }],
    });
    expect(status.capabilities).toEqual([
      { name: "thumbnailer", running: 2, slots: 2, demands: ["thumbnails"] },
    ]);
    expect([status.problems, code]).toEqual([[], 0]);
    expect(spillway(["status", up.folder], up.runtimeFolder).stdout).toContain("no problems");
  });

  test("takes an item by `send`", async () => {
    const sent = spillway(["send", up.folder, "thumbnails", "{}", "--wait", "5"], up.runtimeFolder);
    expect([sent.code, JSON.parse(sent.stdout)]).toEqual([
      0,
      { ticket: "t-1", state: "ready", waited: true },
    ]);
    const explained = spillway(["explain", up.folder, "t-1"], up.runtimeFolder);
    expect(explained).toMatchObject({ code: 0, stderr: "" });
    expect(explained.stdout).toMatch(
      /^t-1 is ready, in the queue of \S+\n {2}no provider connected\n$/,
    );
    const unknown = spillway(["send", up.folder, "thumbs", "{}"], up.runtimeFolder);
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      'spillway: no sidecar holds a demand "thumbs" (those there are: thumbnails). Write the name of a Demand whose selector matches a program.\n',
    ]);
  });

  test("is not started twice", async () => {
    const second = new UpProcess({ folder: up.folder, runtimeFolder: up.runtimeFolder });
    expect(await second.ended).toBe(2);
    expect(second.stderr).toMatch(/is already running \(process \d+\)\. Stop it with Ctrl-C/);
    expect(isAlive(up.pidOf("web-0"))).toBe(true);
  });

  test("tells each line as one JSON object with --json", async () => {
    const up = new UpProcess({ ...prepare(), json: true });
    await up.ready();
    await eventually(() => up.stdout.includes("hello from web-0"));
    const lines = up.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual(
      expect.objectContaining({ name: "web-0", stream: "stdout", line: "hello from web-0" }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({
        name: "web-0.sidecar",
        record: expect.objectContaining({ msg: "ready" }),
      }),
    );
  });
});

describe("what ends is started again", () => {
  test("a program, after its children were ended too", async () => {
    const up = await start();
    const before = up.pidOf("worker-0");
    const { child } = await eventually(() => factsOf(up.folder, "worker-0"));
    process.kill(before, "SIGKILL");
    await eventually(() => up.pidOf("worker-0") !== before);
    expect(up.program("worker-0").restarts).toBe(1);
    expect(isAlive(child)).toBe(false);
    expect(up.stdout).toContain("worker-0 ended (SIGKILL), starts again in 100 ms");
  });

  test("a sidecar alone, on the same socket, and it learns its program anew", async () => {
    const up = await start();
    const { socketPath } = up.program("worker-0").sidecar;
    const [program, before] = [up.pidOf("worker-0"), up.sidecarPidOf("worker-0")];
    process.kill(before, "SIGKILL");
    await eventually(() => up.sidecarPidOf("worker-0") !== before && existsSync(socketPath));
    expect(up.pidOf("worker-0")).toBe(program);
    expect(up.program("worker-0").sidecar.socketPath).toBe(socketPath);
    await eventually(() => up.record().programs.every((it) => "ops" in it.sidecar));
    // The new sidecar's pipe knows the old program: killing `up` ends it.
    up.child.kill("SIGKILL");
    await eventually(() => !isAlive(program));
  });

  test("and `status` tells so meanwhile", async () => {
    const up = await start({
      apps: [
        {
          ...twoApps[0],
          command: ["node", "-e", "console.error('no such table'); process.exit(3)"],
        },
      ],
    });
    await eventually(() => up.program("web-0").restarts >= 4, { timeoutMs: 10_000 });
    const status = await eventually(() => {
      const { code, stdout } = spillway(["status", up.folder, "--json"], up.runtimeFolder);
      return code === 1 && JSON.parse(stdout);
    });
    expect(status.problems).toContain(
      "web-0 is not running: it ended with exit code 3 (its last error line: no such table); up starts it again.",
    );
  });
});

describe("the end", () => {
  test("by Ctrl-C: drain, then programs, then sidecars; nothing is left", async () => {
    const up = await start();
    const { child } = await eventually(() => factsOf(up.folder, "web-0"));
    const [state = ""] = readdirSync(up.runtimeFolder);
    let events = "";
    const file = join(up.runtimeFolder, state, "events");
    const watch = setInterval(() => {
      if (existsSync(file)) events = readFileSync(file, "utf8");
    }, 5);
    onTestFinished(() => clearInterval(watch));
    const beganMs = performance.now();
    up.child.kill("SIGINT");
    expect(await up.ended).toBe(0);
    expect(performance.now() - beganMs).toBeLessThan(10_000);
    expect(
      events
        .split("\n")
        .map((line) => line.split(" ")[0])
        .slice(0, 6),
    ).toEqual([...["drain", "drain", "drain", "SIGTERM", "SIGTERM", "SIGTERM"]]);
    expect(readdirSync(up.runtimeFolder)).toEqual([]);
    expect(processesOf(up.runtimeFolder)).toEqual([]);
    expect(isAlive(child)).toBe(false);
    expect(spillway(["status", up.folder], up.runtimeFolder)).toMatchObject({
      code: 2,
      stderr: `spillway: nothing runs in ${up.folder}. Start it with spillway up ${up.folder}.\n`,
    });
  });

  test("by Ctrl-C, of a program that does not listen to SIGTERM", async () => {
    const stubborn = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)";
    const up = await start({ apps: [{ ...twoApps[0], command: ["node", "-e", stubborn] }] });
    const pid = up.pidOf("web-0");
    up.child.kill("SIGINT");
    expect(await up.ended).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  test("by kill -9 of up: sidecars and programs end too, and up works again", async () => {
    const up = await start();
    const pids = ["web-0", "worker-0", "worker-1"].flatMap((it) => [
      up.pidOf(it),
      up.sidecarPidOf(it),
    ]);
    up.child.kill("SIGKILL");
    await eventually(() => !pids.some(isAlive), { what: "the end of programs and sidecars" });
    const again = new UpProcess({ folder: up.folder, runtimeFolder: up.runtimeFolder });
    await again.ready();
    again.child.kill("SIGINT");
    expect(await again.ended).toBe(0);
    expect(readdirSync(up.runtimeFolder)).toEqual([]);
  });

  test("while things still start", async () => {
    const places = prepare({
      apps: [{ ...twoApps[0], port: await freePort(), command: ["sleep", "60"] }],
    });
    const up = new UpProcess(places);
    await eventually(() => processesOf(places.runtimeFolder).length > 1);
    up.child.kill("SIGINT");
    expect(await up.ended).toBe(0);
    expect(readdirSync(places.runtimeFolder)).toEqual([]);
    expect(processesOf(places.runtimeFolder)).toEqual([]);
  });
});

describe("leftovers of an earlier run", () => {
  /** Kills `up` and its sidecars in one go, so that nobody ends the programs. */
  function abandonPrograms(up: UpProcess, names: readonly string[]): void {
    process.kill(up.child.pid ?? 0, "SIGSTOP");
    for (const name of names) process.kill(up.sidecarPidOf(name), "SIGKILL");
    up.child.kill("SIGKILL");
  }

  test("are ended at the next start", async () => {
    const up = await start({ apps: [twoApps[0]] });
    const program = up.pidOf("web-0");
    abandonPrograms(up, ["web-0"]);
    await up.ended;
    expect(isAlive(program)).toBe(true);
    const again = new UpProcess({ folder: up.folder, runtimeFolder: up.runtimeFolder });
    await again.ready();
    expect(isAlive(program)).toBe(false);
    expect(again.stdout).toContain(`ended processes that an earlier run left: ${program}`);
  });

  test("are left alone when the pid is another process's by now", async () => {
    const up = await start({ apps: [twoApps[0]] });
    const [state = ""] = readdirSync(up.runtimeFolder);
    const file = join(up.runtimeFolder, state, "run.json");
    abandonPrograms(up, ["web-0"]);
    await up.ended;
    const record = JSON.parse(readFileSync(file, "utf8"));
    const program = record.programs[0].process.pid;
    record.programs[0].process.startTime = "1";
    writeFileSync(file, JSON.stringify(record));
    const again = new UpProcess({ folder: up.folder, runtimeFolder: up.runtimeFolder });
    await again.ready();
    const spared = isAlive(program);
    process.kill(-program, "SIGKILL");
    expect(spared).toBe(true);
  });
});

describe("changed files", () => {
  test("a changed manifest is taken over without a restart", async () => {
    const up = await start();
    const pids = [up.pidOf("web-0"), up.sidecarPidOf("web-0")];
    const demand = demandManifest((it) => (it.spec.desiredProviders = 4));
    writeFileSync(join(up.folder, "demand.yaml"), stringify(demand));
    await eventually(() => {
      const { stdout } = spillway(["status", up.folder, "--json"], up.runtimeFolder);
      return JSON.parse(stdout).demands[0].desiredProviders === 4;
    });
    expect([up.pidOf("web-0"), up.sidecarPidOf("web-0")]).toEqual(pids);
    await eventually(() => up.stdout.includes("manifests were read again: web-0 changed"));
  });

  test("a bad manifest is told, and what ran goes on", async () => {
    const up = await start({ apps: [twoApps[0]] });
    writeFileSync(
      join(up.folder, "demand.yaml"),
      "kind: Demandd\napiVersion: spillway.dev/v1alpha1",
    );
    await eventually(() => up.stdout.includes("Write Demand. What ran before goes on."));
    expect(isAlive(up.pidOf("web-0"))).toBe(true);
  });

  test("a changed apps.yaml is told to wait for the next start", async () => {
    const up = await start({ apps: [twoApps[0]] });
    writeFileSync(join(up.folder, "apps.yaml"), "apps: []\n");
    await eventually(() =>
      up.stdout.includes("apps.yaml changed: it takes effect at the next start"),
    );
  });
});

describe("bad input is one error, exit 2, and nothing is left running", () => {
  async function refusal(content: FolderContent, sidecar?: readonly string[]): Promise<string> {
    const places = prepare(content);
    const up = new UpProcess({ ...places, ...(sidecar === undefined ? {} : { sidecar }) });
    expect(await up.ended).toBe(2);
    expect(processesOf(places.runtimeFolder)).toEqual([]);
    expect(readdirSync(places.runtimeFolder)).toEqual([]);
    return up.stderr.replaceAll(places.folder, "FOLDER");
  }

  test("a bad manifest", async () => {
    const demand = demandManifest((it) => (it.spec.maxProviders = 2000));
    expect(await refusal({ demand })).toBe(
      "spillway: FOLDER/demand.yaml:16:17: spec.maxProviders is out of range (it is 2000; allowed: 1 to 1000). Write a whole number from 1 to 1000.\n",
    );
  });

  test("a bad proto", async () => {
    const proto = imagesProto.replace("uint32 width", "uint32 width of it");
    const told = await refusal({ proto });
    expect(told).toMatch(/^spillway: FOLDER\/images\.proto:5:\d+: does not compile: /);
    expect(told).toContain(', in "uint32 width of it = 2;". Correct the file.\n');
  });

  test("a port in use", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    expect(await refusal({ apps: [{ ...twoApps[0], port }] })).toBe(
      `spillway: FOLDER/apps.yaml:8:11: apps[0].port is ${port}, and something else listens there (program web). Stop what listens there, or write another port.\n`,
    );
  });

  test("a command that is not found", async () => {
    expect(await refusal({ apps: [{ ...twoApps[0], command: ["nodejs-of-old", "x"] }] })).toBe(
      'spillway: FOLDER/apps.yaml:6:9: apps[0].command[0] "nodejs-of-old" is found nowhere on PATH (program web). Install it, or write the path of the program.\n',
    );
  });

  test("a sidecar that does not start", async () => {
    const refused = await refusal({}, [...fakeSidecar, "--end-at-once"]);
    expect(refused.replace(/(web|worker)-\d/, "NAME")).toBe(
      "spillway: the sidecar of NAME did not start: it ended with exit code 2; its last line: the configuration displeases me. Its lines above tell why.\n",
    );
  });

  test("a socket path that is too long", async () => {
    const places = prepare();
    const runtimeFolder = join(places.runtimeFolder, "x".repeat(90));
    mkdirSync(runtimeFolder);
    const up = new UpProcess({ folder: places.folder, runtimeFolder });
    expect(await up.ended).toBe(2);
    expect(up.stderr).toMatch(
      /web-0\.sock is too long \(\d+ bytes; allowed: 107\)\. Set XDG_RUNTIME_DIR/,
    );
    expect(readdirSync(runtimeFolder)).toEqual([]);
  });

  test("a state folder that others may enter", async () => {
    const places = prepare();
    const first = new UpProcess(places);
    await first.ready();
    const [state = ""] = readdirSync(places.runtimeFolder);
    first.child.kill("SIGINT");
    await first.ended;
    mkdirSync(join(places.runtimeFolder, state), { mode: 0o755 });
    const second = new UpProcess(places);
    expect(await second.ended).toBe(2);
    expect(second.stderr).toMatch(/cannot be the state folder: others may enter it\. Remove it/);
  });
});
