import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  certificateUri,
  nameInSubjectAltName,
  parseCertificateUri,
  sameCertificateName,
} from "../../../../sidecar/runtime/certificate-name.ts";

const name = { clusterId: "c.x", namespace: "shop", nodeId: "Node-1.a" };
const uri = "spiffe://c.x/ns/shop/node/Node-1.a";

describe("certificateUri", () => {
  it("is read back as the same name", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[-a-z0-9.]{1,63}$/),
        fc.stringMatching(/^[-a-z0-9]{1,63}$/),
        fc.stringMatching(/^[-A-Za-z0-9.]{1,63}$/),
        (clusterId, namespace, nodeId) => {
          const built = certificateUri({ clusterId, namespace, nodeId });
          expect(parseCertificateUri(built ?? "")).toEqual({ clusterId, namespace, nodeId });
        },
      ),
    );
  });

  it("refuses every part that would read as something else", () => {
    for (const odd of ["", "a/b", "a b", "é", "a,", "a".repeat(64), "a\n"]) {
      expect(certificateUri({ ...name, clusterId: odd })).toBeUndefined();
      expect(certificateUri({ ...name, namespace: odd })).toBeUndefined();
      expect(certificateUri({ ...name, nodeId: odd })).toBeUndefined();
    }
  });
});

describe("parseCertificateUri", () => {
  it.each(["", "spiffe://", `${uri}/x`, `${uri}\n`, uri.replace("/ns/", "/sa/"), ` ${uri}`])(
    "refuses %j",
    (text) => {
      expect(parseCertificateUri(text)).toBeUndefined();
    },
  );
});

describe("nameInSubjectAltName", () => {
  it("finds the URI among other entries", () => {
    expect(nameInSubjectAltName(`DNS:localhost, URI:${uri}, IP Address:127.0.0.1`)).toEqual(name);
  });

  it("refuses two names, none, quoted entries and a name inside another entry", () => {
    expect(nameInSubjectAltName(`URI:${uri}, URI:${uri}`)).toBeUndefined();
    expect(nameInSubjectAltName("DNS:localhost")).toBeUndefined();
    expect(nameInSubjectAltName("")).toBeUndefined();
    expect(nameInSubjectAltName(`DNS:"a, URI:${uri}"`)).toBeUndefined();
    expect(nameInSubjectAltName(`DNS:${uri}`)).toBeUndefined();
  });
});

describe("sameCertificateName", () => {
  it("is false when any one part differs", () => {
    expect(sameCertificateName(name, { ...name })).toBe(true);
    expect(sameCertificateName(name, { ...name, clusterId: "d" })).toBe(false);
    expect(sameCertificateName(name, { ...name, namespace: "d" })).toBe(false);
    expect(sameCertificateName(name, { ...name, nodeId: "node-1.a" })).toBe(false);
  });
});
