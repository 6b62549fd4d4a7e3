import { describe, expect, it } from "vitest";
import { apiVersionOf, isApiObject, keyOf, splitKey } from "../../../../operator/runtime/index.ts";
import { resourcePath } from "../../../../operator/runtime/resource-type.ts";

const pods = { group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true };
const nodes = { ...pods, plural: "nodes", kind: "Node", namespaced: false };
const apps = { ...pods, group: "apps", plural: "deployments", kind: "Deployment" };

describe("paths", () => {
  it("name collections, objects and subresources of every group", () => {
    expect(resourcePath(pods, {})).toBe("/api/v1/pods");
    expect(resourcePath(pods, { namespace: "a" })).toBe("/api/v1/namespaces/a/pods");
    expect(resourcePath(nodes, { name: "n" })).toBe("/api/v1/nodes/n");
    const scale = { namespace: "a", name: "d", subresource: "scale" };
    expect(resourcePath(apps, scale)).toBe("/apis/apps/v1/namespaces/a/deployments/d/scale");
    expect(resourcePath(pods, { namespace: "a", name: "../b" })).toBe(
      "/api/v1/namespaces/a/pods/..%2Fb",
    );
  });

  it.each([
    [pods, { name: "p" }],
    [nodes, { namespace: "a" }],
    [pods, { namespace: "a", name: "" }],
    [pods, { namespace: "" }],
    [pods, { namespace: "a", subresource: "status" }],
  ])("that would name something else are refused: %o %o", (type, place) => {
    expect(() => resourcePath(type, place)).toThrow(
      expect.objectContaining({ code: "OPTION_INVALID" }),
    );
  });
});

describe("keys", () => {
  it("are taken apart as they were made", () => {
    for (const metadata of [{ namespace: "a", name: "b" }, { name: "b" }]) {
      expect(splitKey(keyOf({ metadata }))).toEqual(metadata);
    }
  });
});

describe("objects", () => {
  it("have metadata with a name", () => {
    expect(isApiObject({ metadata: { name: "a" } })).toBe(true);
    for (const value of [undefined, null, 7, [], {}, { metadata: {} }, { metadata: { name: 7 } }]) {
      expect(isApiObject(value)).toBe(false);
    }
  });

  it("say their group and version", () => {
    expect([apiVersionOf(pods), apiVersionOf(apps)]).toEqual(["v1", "apps/v1"]);
  });
});
