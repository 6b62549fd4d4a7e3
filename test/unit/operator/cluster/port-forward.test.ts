/** Against a kubelet that is played; test/cluster has it behind a real API server. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { callPod } from "../../../../operator/cluster/pod-call.ts";
import { openForward } from "../../../../operator/cluster/port-forward.ts";
import type { Answer, Call } from "../../../../operator/inspect/index.ts";
import type { Credentials } from "../../../../operator/runtime/index.ts";
import { FakeKubelet } from "../../../support/fake-kubelet.ts";

const get: Call = { method: "GET", path: "/v1/demands?limit=2", timeoutMs: 5_000 };
let kubelet: FakeKubelet;

beforeEach(async () => {
  kubelet = await FakeKubelet.start();
  return () => kubelet.close();
});

function credentialsOf(server: string): Credentials {
  const resolved = { headers: { authorization: "Bearer t" }, tls: {} };
  return { server, namespace: undefined, resolve: async () => resolved };
}

function call(asked: Call = get, port = kubelet.port): Promise<Answer> {
  const credentials = credentialsOf(`http://127.0.0.1:${port}`);
  const target = { namespace: "shop", pod: "web-0", port: 17_080 };
  return callPod(() => openForward(credentials, target), asked);
}

/** An operations listener; what it got is told by its answer. */
async function listener(body = (text: string): string => text): Promise<void> {
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const { method, url, headers } = request;
      const told = { method, url, host: headers.host, type: headers["content-type"], text };
      response.writeHead(202).end(body(JSON.stringify(told)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  kubelet.opsPorts.set("shop/web-0", (server.address() as AddressInfo).port);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
}

describe("a call through a port forward", () => {
  test("reaches the pod's operations listener, by an address, with the person's credentials", async () => {
    await listener();
    expect(await call()).toEqual({
      ok: true,
      status: 202,
      body: { method: "GET", url: "/v1/demands?limit=2", host: "127.0.0.1:17080", text: "" },
    });
    expect(kubelet.asked).toEqual(["shop/web-0:17080"]);
    expect(kubelet.headers.authorization).toBe("Bearer t");
  });

  test("carries a body, and an answer of many frames", async () => {
    const large = "x".repeat(3_000_000);
    await listener((text) => JSON.stringify({ told: JSON.parse(text) as unknown, large }));
    const body = JSON.stringify({ value: "y".repeat(500_000) });
    const answer = await call({ ...get, method: "POST", path: "/v1/x", body });
    expect(answer).toMatchObject({
      status: 202,
      body: { large, told: { type: "application/json", text: body } },
    });
  });

  test("says that nothing listens in the pod, with the remedy", async () => {
    expect(await call()).toEqual({
      ok: false,
      reason: "nothing listens on port 17080 in pod web-0",
      remedy: "Is its sidecar running? kubectl logs web-0 -c spillway -n shop tells.",
    });
  });

  test("ends after its time when the pod says nothing", async () => {
    await listener(() => "");
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    kubelet.opsPorts.set("shop/web-0", (silent.address() as AddressInfo).port);
    expect(await call({ ...get, timeoutMs: 100 })).toEqual({
      ok: false,
      reason: "no answer within 100 ms",
    });
    silent.closeAllConnections();
    silent.close();
  });

  test("says that the pod is gone", async () => {
    const body = JSON.stringify({ kind: "Status", message: 'pods "web-0" not found' });
    kubelet.refused.set("shop/web-0", { status: 404, body });
    expect(await call()).toEqual({
      ok: false,
      reason: "pod web-0 is gone",
      remedy: "spillway status -n shop tells which pods there are.",
    });
  });

  test("quotes what else the API server says of the pod", async () => {
    const body = JSON.stringify({ message: "pod web-0 does not have a host assigned" });
    kubelet.refused.set("shop/web-0", { status: 400, body });
    const reason =
      "the port forward to pod web-0 did not come about: pod web-0 does not have a host assigned";
    expect(await call()).toMatchObject({ ok: false, reason });
    kubelet.refused.set("shop/web-0", { status: 502, body: "" });
    expect(await call()).toMatchObject({ ok: false, reason: expect.stringMatching(/status 502$/) });
  });

  test("rejects with the missing permission, which holds for every pod", async () => {
    const message =
      'pods "web-0" is forbidden: User "ann" cannot create resource "pods/portforward" in API group "" in the namespace "shop"';
    kubelet.refused.set("shop/web-0", { status: 403, body: JSON.stringify({ message }) });
    await expect(call()).rejects.toMatchObject({
      code: "FORBIDDEN",
      message:
        "ann may not create pods/portforward in namespace shop. Ask for a role that allows it; " +
        "kubectl auth can-i create pods --subresource=portforward -n shop tells when it does.",
    });
    const bare = JSON.stringify({ message: 'pods "web-0" is forbidden: ' });
    kubelet.refused.set("shop/web-0", { status: 403, body: bare });
    await expect(call()).rejects.toMatchObject({
      message: expect.stringMatching(/^you may not create pods\/portforward in namespace shop\./),
    });
    kubelet.refused.set("shop/web-0", { status: 401, body: "Unauthorized" });
    await expect(call()).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });

  test("rejects when the API server does not answer", async () => {
    await expect(call(get, 1)).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringContaining("the API server http://127.0.0.1:1 does not answer"),
    });
  });
});
