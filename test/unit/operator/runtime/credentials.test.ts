import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { inClusterCredentials } from "../../../../operator/runtime/index.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

function serviceAccount(): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "token"), "first\n");
  writeFileSync(join(folder, "ca.crt"), "certificate");
  writeFileSync(join(folder, "namespace"), "home\n");
  return folder;
}

describe("credentials of a pod", () => {
  it("are its service account's files, read again each time", async () => {
    const folder = serviceAccount();
    const credentials = await inClusterCredentials({ host: "10.0.0.1", port: "443", folder });
    expect(credentials).toMatchObject({ server: "https://10.0.0.1:443", namespace: "home" });
    expect(await credentials.resolve()).toEqual({
      headers: { authorization: "Bearer first" },
      tls: { ca: "certificate" },
    });
    writeFileSync(join(folder, "token"), "second");
    expect((await credentials.resolve()).headers.authorization).toBe("Bearer second");
  });

  it("know addresses of IPv6", async () => {
    const folder = serviceAccount();
    const { server } = await inClusterCredentials({ host: "fd00::1", port: "6443", folder });
    expect(server).toBe("https://[fd00::1]:6443");
  });

  it("name the file that is missing", async () => {
    const folder = serviceAccount();
    const credentials = await inClusterCredentials({ host: "10.0.0.1", port: "443", folder });
    rmSync(join(folder, "token"));
    await expect(credentials.resolve()).rejects.toMatchObject({ code: "CREDENTIALS_INVALID" });
    await expect(credentials.resolve()).rejects.toThrow(/token cannot be read/);
    const nowhere = inClusterCredentials({ host: "h", port: "1", folder: join(folder, "none") });
    await expect(nowhere).rejects.toMatchObject({ code: "CREDENTIALS_INVALID" });
  });
});
