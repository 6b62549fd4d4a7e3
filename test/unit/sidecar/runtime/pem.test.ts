import { describe, expect, it } from "vitest";
import { splitCertificates } from "../../../../sidecar/runtime/pem.ts";

const one = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
const other = one.replace("AAAA", "BBBB");

describe("a text of certificates", () => {
  it("is split, also where the newline between two is missing", () => {
    expect(splitCertificates(`${one}${other}`)).toEqual([`${one}\n`, `${other}\n`]);
  });

  it("holds none when it is no PEM of certificates", () => {
    expect(
      splitCertificates("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----"),
    ).toEqual([]);
    expect(splitCertificates("")).toEqual([]);
  });
});
