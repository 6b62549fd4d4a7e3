import { describe, expect, test } from "vitest";
import { ClusterError } from "../../../../operator/cluster/cluster-error.ts";
import type { Pod } from "../../../../operator/cluster/resources.ts";
import {
  checkCommandVersion,
  checkSidecarVersions,
  compare,
} from "../../../../operator/cluster/version-checks.ts";
import type { SidecarVersion } from "../../../../operator/inspect/index.ts";

function pod(name: string, over: Partial<Pod["metadata"]> = {}): Pod {
  return { metadata: { name, namespace: "shop", ...over }, status: { phase: "Running" } };
}

function owned(kind: string, name: string): Partial<Pod["metadata"]> {
  return {
    labels: { "pod-template-hash": "5d4f" },
    ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid: "u", controller: true }],
  };
}

type Seen = readonly (readonly [Pod, SidecarVersion | undefined])[];

function lineOf(seen: Seen, operator: string | undefined = "0.2.0", notAsked?: ClusterError) {
  const answered = seen.flatMap(([each, answer]) =>
    answer === undefined ? [] : [[each, answer] as const],
  );
  return checkSidecarVersions({
    operator,
    command: "0.2.0",
    pods: seen.map(([each]) => each),
    answers: new Map(answered),
    notAsked,
  });
}

const told = (version: string | undefined): SidecarVersion => ({ ok: true, version });

describe("this command", () => {
  test("of the operator's version is ok", () => {
    expect(checkCommandVersion("0.2.0", "0.2.0")).toMatchObject({
      verdict: "ok",
      text: "0.2.0, as the operator",
    });
  });

  test("of another version is told what it compares with, and which to use", () => {
    expect(checkCommandVersion("0.1.0", "0.2.0")).toMatchObject({
      verdict: "bad",
      text:
        "0.1.0, the operator is 0.2.0: definitions and policies are compared with those of this " +
        "command. Use spillway 0.2.0, or upgrade the operator.",
    });
  });

  test("says when no operator has told its version", () => {
    expect(checkCommandVersion("0.1.0", undefined)).toMatchObject({
      verdict: "bad",
      text: expect.stringMatching(/^0\.1\.0; the operator has not said which version it is/),
    });
  });
});

describe("sidecars", () => {
  test("of the operator's version are ok", () => {
    expect(lineOf([[pod("a"), told("0.2.0")]])).toEqual({
      verdict: "ok",
      subject: "sidecar versions",
      text: "1 sidecar is 0.2.0, as the operator",
    });
    expect(lineOf([])).toMatchObject({ verdict: "ok", text: "no sidecar runs" });
  });

  test("that are older are named with what makes each of them anew, once", () => {
    const line = lineOf([
      [pod("web-5d4f-a", owned("ReplicaSet", "web-5d4f")), told("0.1.9")],
      [pod("web-5d4f-b", owned("ReplicaSet", "web-5d4f")), told(undefined)],
      [pod("db-0", owned("StatefulSet", "db")), told("0.2.0-rc.1")],
      [pod("lone"), told("0.1.0")],
      [pod("good"), told("0.2.0")],
    ]);
    expect(line).toMatchObject({
      verdict: "bad",
      text:
        "4 older than the operator (0.2.0): shop/web-5d4f-a 0.1.9, shop/web-5d4f-b tells none, " +
        "shop/db-0 0.2.0-rc.1, shop/lone 0.1.0. New pods get the new one: " +
        "kubectl rollout restart deployment/web -n shop; " +
        "kubectl rollout restart statefulset/db -n shop; create pod shop/lone anew.",
    });
  });

  test("that are newer ask for the operator's upgrade", () => {
    expect(lineOf([[pod("a"), told("0.3.0")]]).text).toBe(
      "1 newer than the operator (0.2.0): shop/a 0.3.0. Upgrade the operator.",
    );
  });

  test("are compared with this command while the operator's version is not known", () => {
    const seen = { pods: [pod("a")], command: "0.2.0", notAsked: undefined };
    const answers = new Map([[seen.pods[0] ?? pod("a"), told("0.2.0")]]);
    expect(checkSidecarVersions({ ...seen, answers, operator: undefined }).text).toBe(
      "1 sidecar is 0.2.0, as this command",
    );
  });

  test("that did not tell are counted; when none did, nothing is judged", () => {
    const silent = { ok: false, reason: "nothing listens on port 17080 in pod b" } as const;
    expect(
      lineOf([
        [pod("a"), told("0.2.0")],
        [pod("b"), silent],
        [pod("c"), undefined],
      ]),
    ).toEqual({
      verdict: "ok",
      subject: "sidecar versions",
      text: "1 sidecar is 0.2.0, as the operator; 2 of 3 did not tell",
    });
    expect(lineOf([[pod("b"), silent]])).toMatchObject({
      verdict: "skipped",
      text: "no sidecar told its own: nothing listens on port 17080 in pod b.",
    });
    const forbidden = new ClusterError("FORBIDDEN", { text: "bob may not", remedy: "Ask." });
    expect(lineOf([[pod("b"), undefined]], "0.2.0", forbidden)).toMatchObject({
      verdict: "skipped",
      text: "no sidecar told its own: bob may not.",
    });
  });

  test("ten names and ten commands are told", () => {
    const many = Array.from({ length: 12 }, (_, n) => [pod(`p${n}`), told("0.1.0")] as const);
    expect(lineOf(many).text).toMatch(
      /shop\/p9 0\.1\.0, and 2 more\. New .*create pod shop\/p9 anew; and 2 more\.$/,
    );
  });
});

test.each([
  ["0.1.0", "0.1.0", 0],
  ["0.1.0+a", "0.1.0+b", 0],
  ["0.9.0", "0.10.0", -1],
  ["1.0.0", "0.10.0", 1],
  ["1.0.0-rc.2", "1.0.0-rc.10", -1],
  ["1.0.0-rc.1", "1.0.0", -1],
  ["1.0.0", "1.0.0-rc.1", 1],
  [undefined, "0.0.1", -1],
  ["dev", "unknown", -1],
])("%s against %s", (version, reference, sign) => {
  expect(Math.sign(compare(version, reference))).toBe(sign);
});
