import { execFileSync } from "node:child_process";
import { statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { onTestFinished, describe, expect, test } from "vitest";
import { silentLogger } from "../../../../sidecar/runtime/index.ts";
import { apiLimits } from "../../../../sidecar/api/limits.ts";
import { apiFixture, type ApiFixture } from "../../../support/api-fixture.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeTime } from "../../../support/fake-time.ts";
import { open, openStream, socketCall } from "../../../support/socket-client.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

async function listening(over = {}): Promise<ApiFixture & { socketPath: string }> {
  const socketPath = `${temporaryFolder()}/app.sock`;
  const fixture = await apiFixture(over);
  await fixture.server.listen(socketPath);
  return { ...fixture, socketPath };
}

/** Sends bytes and reads what comes back until the server closes. */
function exchangeRaw(socketPath: string, bytes: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(socketPath);
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => (text += chunk));
  socket.on("close", () => resolve(text));
  socket.on("error", reject);
  socket.write(bytes);
  onTestFinished(() => void socket.destroy());
  return promise;
}

describe("the socket", () => {
  test("is reached by its owner and group only", async () => {
    const { socketPath } = await listening();
    expect(statSync(socketPath).mode & 0o777).toBe(0o660);
  });

  test("replaces a file that nobody answers on, and is gone at the end", async () => {
    const folder = temporaryFolder();
    const socketPath = `${folder}/app.sock`;
    // A killed process leaves its socket file.
    const killed = `() => process.kill(process.pid, "SIGKILL")`;
    const script = `require("net").createServer().listen(process.argv[1], ${killed})`;
    expect(() => execFileSync(process.execPath, ["-e", script, socketPath])).toThrow();
    expect(statSync(socketPath).isSocket()).toBe(true);
    const { server } = await apiFixture();
    await server.listen(socketPath);
    expect((await socketCall(socketPath, { path: "/v1/demands" })).status).toBe(200);
    await server.close(0);
    expect(() => statSync(socketPath)).toThrow();
  });

  test("is refused where another process listens, at a file, and at too long a path", async () => {
    const folder = temporaryFolder();
    const other = createServer().listen(`${folder}/taken.sock`);
    onTestFinished(() => void other.close());
    await eventually(() => other.listening);
    writeFileSync(`${folder}/file`, "kept");
    const { server } = await apiFixture();
    const refusals: readonly (readonly [string, string])[] = [
      [`${folder}/taken.sock`, "another process listens"],
      [`${folder}/file`, "is no socket"],
      [`${folder}/${"x".repeat(107)}`, "at most 107"],
      [`${folder}/gone/app.sock`, "cannot listen"],
    ];
    for (const [path, reason] of refusals) {
      await expect(server.listen(path)).rejects.toMatchObject({
        code: "LISTEN_FAILED",
        message: expect.stringContaining(reason),
      });
    }
    expect(statSync(`${folder}/file`).isFile()).toBe(true);
  });
});

describe("until it is configured", () => {
  test("every call is answered 503 with Retry-After, unknown paths too", async () => {
    const { app, node } = await apiFixture();
    node.configured = false;
    for (const url of ["/v1/demands", "/v1/items/t1", "/v1/nothing", "/v1/openapi.json"]) {
      const answer = await app.inject(url);
      expect(answer.json()).toMatchObject({ status: 503, code: "NOT_CONFIGURED" });
      expect(answer.headers["retry-after"]).toBe("1");
    }
    node.configured = true;
    expect((await app.inject("/v1/demands")).statusCode).toBe(200);
  });
});

describe("unknown routes", () => {
  test.each([
    ["GET", "/"],
    ["GET", "/v1"],
    ["PUT", "/v1/demands"],
    ["GET", "/v1/leases/l/complete"],
    ["POST", "/v1/leases/l/steal"],
    ["HEAD", "/v1/demands"],
    ["GET", "/v1/demands/pictures/"],
    ["GET", "/v1/demands/pictures/items/batch"],
  ] as const)("%s %s is answered 404 as a problem", async (method, url) => {
    const { app } = await apiFixture();
    const answer = await app.inject({ method, url });
    expect(answer.statusCode).toBe(404);
    expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
    if (method !== "HEAD") expect(answer.json()).toMatchObject({ code: "UNKNOWN_ROUTE" });
  });

  test("a path that cannot be decoded is refused: 400", async () => {
    const { socketPath } = await listening();
    const answer = await socketCall(socketPath, { path: "/v1/items/%zz" });
    expect(JSON.parse(answer.text)).toMatchObject({ status: 400, code: "INVALID_ARGUMENT" });
  });
});

describe("clients that misbehave", () => {
  test("a head that is no HTTP, and one that is too large, are answered and cut", async () => {
    const { socketPath } = await listening();
    expect(await exchangeRaw(socketPath, "nonsense\r\n\r\n")).toMatch(
      /^HTTP\/1.1 400 .*"INVALID_ARGUMENT"/s,
    );
    const large = `GET / HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(20_000)}\r\n\r\n`;
    expect(await exchangeRaw(socketPath, large)).toMatch(/^HTTP\/1.1 431 .*"HEADERS_TOO_LARGE"/s);
  });

  test("a request that never ends is refused at its time", () => {
    // Node's own clock runs these; that they are set is what can be promised here.
    expect(apiLimits.headersTimeoutMs).toBeLessThanOrEqual(apiLimits.requestTimeoutMs);
    expect(apiLimits.timeoutCheckMs).toBeLessThan(apiLimits.headersTimeoutMs);
  });

  test("an answer that is not taken in time is cut off and counted", async () => {
    const time = new FakeTime();
    const { socketPath, node, metrics } = await listening({ timers: time });
    await node.add("pictures", new Uint8Array(), {});
    const pulled = await node.pull("resizer", { max: 1, waitMs: 0 });
    const image = Buffer.alloc(8 * 1024 * 1024);
    const head = Buffer.from([0x0a, 0x80, 0x80, 0x80, 0x04]);
    const lease = pulled.ok ? (pulled.value[0]?.lease ?? "") : "";
    await node.settle(lease, { verb: "complete", result: Buffer.concat([head, image]) });
    const { response } = open(socketPath, { path: "/v1/items/t1" });
    (await response).on("error", () => undefined).pause();
    await eventually(() => time.timerCount > 0);
    await time.elapse(apiLimits.answerTimeoutMs);
    await eventually(async () =>
      (await metrics.expose()).includes('spillway_api_clients_cut_off_total{kind="answer"} 1'),
    );
  });

  test("one that goes away in the middle of its body harms nobody", async () => {
    const { socketPath } = await listening();
    const socket = connect(socketPath);
    const head =
      "POST /v1/demands/pictures/items HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    socket.write(`${head}content-length: 100\r\n\r\n{`);
    await eventually(() => socket.bytesWritten > 0);
    socket.destroy();
    expect((await socketCall(socketPath, { path: "/v1/demands" })).status).toBe(200);
  });

  test("bodies in flight are bounded over all clients, and the bound is given back", async () => {
    const { socketPath } = await listening();
    const head =
      "POST /v1/demands/pictures/items HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    const sockets = Array.from({ length: 6 }, () => {
      const socket = connect(socketPath);
      socket.on("error", () => undefined);
      socket.write(`${head}transfer-encoding: chunked\r\n\r\n1\r\n{\r\n`);
      onTestFinished(() => void socket.destroy());
      return socket;
    });
    const call = {
      method: "POST",
      path: "/v1/demands/pictures/items",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ url: "x".repeat(12 * 1024 * 1024) }),
    };
    await eventually(async () => {
      const answer = await socketCall(socketPath, call).catch(() => undefined);
      return answer?.text.includes("TOO_MANY_WAITERS");
    });
    for (const socket of sockets) socket.destroy();
    await eventually(async () => (await socketCall(socketPath, call)).status === 202);
  });
});

describe("closing", () => {
  test("ends streams, refuses calls on open connections with DRAINING", async () => {
    const { socketPath, server, app } = await listening();
    const stream = await openStream(socketPath, "/v1/demands/pictures/outcomes");
    await server.close(0);
    await eventually(() => stream.ended());
    expect(app.server.listening).toBe(false);
  });

  test("cuts an answer that is still awaited once the grace is over", async () => {
    const { socketPath, server, node } = await listening();
    const call = {
      method: "POST",
      path: "/v1/capabilities/resizer/pull",
      headers: { "content-type": "application/json" },
      body: "{}",
    };
    const { response } = open(socketPath, call);
    await eventually(() => node.waitingPulls === 1);
    await server.close(10);
    await expect(response).rejects.toThrow();
    await eventually(() => node.waitingPulls === 0);
  });
});

test("an exception of the node is answered 500 and logged, its text kept inside", async () => {
  const logged: unknown[] = [];
  const logger = { ...silentLogger, error: (fields: object) => void logged.push(fields) };
  const { app, node } = await apiFixture({ logger });
  node.demands = () => {
    throw new Error("secret");
  };
  const answer = await app.inject("/v1/demands");
  expect(answer.json()).toMatchObject({ status: 500, code: "INTERNAL" });
  expect(answer.body).not.toContain("secret");
  expect(logged).toMatchObject([
    { method: "GET", route: "/v1/demands", err: { message: "secret" } },
  ]);
});

test("answered calls are counted by route, not by path", async () => {
  const { app, metrics } = await apiFixture();
  await app.inject("/v1/items/one");
  await app.inject("/v1/items/two");
  await app.inject("/v1/nothing");
  const text = await metrics.expose();
  expect(text).toContain('{route="/v1/items/:ticket",method="GET",status="404"} 2');
  expect(text).toContain('{route="unknown",method="GET",status="404"} 1');
});
