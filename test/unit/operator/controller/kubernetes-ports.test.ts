import { describe, expect, test } from "vitest";
import { reviewStatusOf } from "../../../../operator/controller/kubernetes-ports.ts";

describe("the status of a TokenReview", () => {
  test("is taken over", () => {
    const status = {
      authenticated: true,
      audiences: ["spillway.dev"],
      user: {
        username: "system:serviceaccount:shop:web",
        extra: { "authentication.kubernetes.io/pod-name": ["web-0"] },
      },
    };
    expect(reviewStatusOf({ status })).toEqual({
      authenticated: true,
      audiences: ["spillway.dev"],
      username: "system:serviceaccount:shop:web",
      extra: { "authentication.kubernetes.io/pod-name": ["web-0"] },
    });
  });

  test.each([undefined, null, 7, {}, { status: null }, { status: { authenticated: "true" } }])(
    "of %j is a refusal",
    (answer) => {
      expect(reviewStatusOf(answer)).toMatchObject({ authenticated: false, username: "" });
    },
  );

  test("says why", () => {
    const status = { authenticated: false, error: "expired" };
    expect(reviewStatusOf({ status }).error).toBe("expired");
  });
});
