import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { kubeconfigCredentials } from "../../../../operator/runtime/index.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

function kubeconfig(user: object, cluster: object = {}): string {
  const path = join(temporaryFolder(), "config");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server: "https://api.example:6443", ...cluster } }],
    users: [{ name: "u", user }],
    contexts: [
      { name: "one", context: { cluster: "c", user: "u", namespace: "home" } },
      { name: "two", context: { cluster: "none", user: "u" } },
    ],
    "current-context": "one",
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

describe("credentials of a kubeconfig", () => {
  it("are its current context's certificates and authority", async () => {
    const user = {
      "client-certificate-data": base64("certificate"),
      "client-key-data": base64("key"),
    };
    const cluster = { "certificate-authority-data": base64("authority"), "tls-server-name": "api" };
    const credentials = await kubeconfigCredentials({ path: kubeconfig(user, cluster) });
    expect(credentials).toMatchObject({ server: "https://api.example:6443", namespace: "home" });
    const { headers, tls } = await credentials.resolve();
    expect(headers).toEqual({});
    const { ca, cert, key, servername } = tls;
    const texts = [ca, cert, key].map((it) => (Buffer.isBuffer(it) ? it.toString() : it));
    expect([...texts, servername]).toEqual(["authority", "certificate", "key", "api"]);
  });

  it("are a token, a password, or whom to act for", async () => {
    const resolve = async (user: object) =>
      (await (await kubeconfigCredentials({ path: kubeconfig(user) })).resolve()).headers;
    expect(await resolve({ token: "t" })).toEqual({ authorization: "Bearer t" });
    const basic = `Basic ${base64("me:secret")}`;
    expect(await resolve({ username: "me", password: "secret" })).toEqual({ authorization: basic });
    expect(await resolve({ token: "t", as: "other" })).toMatchObject({
      "impersonate-user": "other",
    });
  });

  it("come from a plug-in, and tell when it fails", async () => {
    const status = { token: "from-plug-in" };
    const answer = JSON.stringify({ kind: "ExecCredential", status });
    const exec = { command: "/bin/echo", args: [answer] };
    const credentials = await kubeconfigCredentials({ path: kubeconfig({ exec }) });
    expect((await credentials.resolve()).headers.authorization).toBe("Bearer from-plug-in");
    const broken = { exec: { command: "/bin/false" } };
    const failing = await kubeconfigCredentials({ path: kubeconfig(broken) });
    await expect(failing.resolve()).rejects.toMatchObject({ code: "CREDENTIALS_INVALID" });
  });

  it("refuse a file that is none, a context without a cluster, a proxy that is not known", async () => {
    const nowhere = kubeconfigCredentials({ path: "/nowhere" });
    await expect(nowhere).rejects.toMatchObject({ code: "CREDENTIALS_INVALID" });
    const path = kubeconfig({ token: "t" });
    await expect(kubeconfigCredentials({ path, context: "two" })).rejects.toThrow(
      /no context two with a cluster; there is: one, two/,
    );
    await expect(kubeconfigCredentials({ path, context: "three" })).rejects.toThrow(/no context/);
    const socks = kubeconfig({ token: "t" }, { "proxy-url": "socks5://proxy:1080" });
    await expect(kubeconfigCredentials({ path: socks })).rejects.toThrow(/SOCKS is not supported/);
  });

  it.each([
    ["http://us%er:secret@proxy:3128", /proxy-url has a % in its user or password/],
    ["http://ann:secret%ff@proxy:3128", /proxy-url has a % in its user or password/],
    ["http://ann:secret@proxy:none", /proxy-url is no address/],
    ["socks5://ann:secret@proxy:1080", /SOCKS is not supported/],
  ])("refuse the proxy-url %s, and do not tell its password", async (address, words) => {
    const path = kubeconfig({ token: "t" }, { "proxy-url": address });
    const refused: unknown = await kubeconfigCredentials({ path }).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: "CREDENTIALS_INVALID",
      message: expect.stringMatching(words),
    });
    expect(String(refused)).not.toContain("secret");
  });
});
