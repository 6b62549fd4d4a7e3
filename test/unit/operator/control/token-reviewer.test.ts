import { expect, test } from "vitest";
import { TokenReviewer } from "../../../../operator/control/token-reviewer.ts";
import type { TokenReviewStatus } from "../../../../operator/control/ports.ts";
import { RefusalCode } from "../../../../proto/gen/spillway/control/v1/control_pb.ts";
import { silentLogger } from "../../../../sidecar/runtime/index.ts";
import { reviewedAs, testPod, tokenOf } from "../../../support/control-rig.ts";
import { FakeTime } from "../../../support/fake-time.ts";

const epochMs = 1_800_000_000_000;
const pod = testPod();

function reviewerOf(answer: (token: string) => TokenReviewStatus) {
  const time = new FakeTime(0);
  const asked: string[] = [];
  const results: string[] = [];
  const reviewer = new TokenReviewer({
    reviews: {
      review: async (token, audience) => {
        expect(audience).toBe("spillway.dev");
        asked.push(token);
        return answer(token);
      },
    },
    clock: time,
    wallClock: { nowEpochMs: () => epochMs + time.nowMs() },
    timers: time,
    log: silentLogger,
    onReviewed: (result) => results.push(result),
  });
  return { time, asked, results, reviewer };
}

const refused = { authenticated: false, audiences: [], username: "", extra: {} };

test("a token is asked about once until it ends, then again", async () => {
  const { time, asked, reviewer } = reviewerOf(() => reviewedAs(pod));
  const token = tokenOf(pod, epochMs + 60_000);
  expect(await reviewer.review(token)).toMatchObject({ ok: true, expiresInMs: 60_000 });
  await time.elapse(59_000);
  expect(await reviewer.review(token)).toMatchObject({ ok: true, expiresInMs: 1_000 });
  expect(asked).toHaveLength(1);
  await time.elapse(1_000);
  await reviewer.review(token);
  expect(asked).toHaveLength(2);
});

test("several who ask at once share one question", async () => {
  const { asked, reviewer } = reviewerOf(() => reviewedAs(pod));
  const token = tokenOf(pod, epochMs + 60_000);
  await Promise.all(Array.from({ length: 20 }, () => reviewer.review(token)));
  expect(asked).toHaveLength(1);
});

test("each token that is judged counts once, by how", async () => {
  let isUp = false;
  const { time, results, reviewer } = reviewerOf((token) => {
    if (!isUp) throw new Error("away");
    return token === "bad" ? refused : reviewedAs(pod);
  });
  const token = tokenOf(pod, epochMs + 60_000);
  await reviewer.review(token);
  isUp = true;
  await reviewer.review(token);
  await reviewer.review(token);
  await reviewer.review("bad");
  await reviewer.review("x".repeat(16_385));
  expect(results).toEqual(["unavailable", "accepted", "remembered", "refused", "refused"]);
  results.length = 0;
  const answers = Array.from({ length: 400 }, (_, index) =>
    reviewer.review(tokenOf(testPod(`p-${index.toString()}`), epochMs + 60_000)),
  );
  await time.elapse(6_000);
  await Promise.all(answers);
  expect(results).toHaveLength(400);
  expect(results.filter((it) => it === "limited").length).toBeGreaterThan(90);
});

test("a refusal is remembered for 10 s and names no token", async () => {
  const { time, asked, reviewer } = reviewerOf(() => refused);
  const first = await reviewer.review("secret-token");
  expect(first).toMatchObject({ ok: false, refusal: { code: RefusalCode.TOKEN_REFUSED } });
  expect(JSON.stringify(first)).not.toContain("secret-token");
  await time.elapse(9_999);
  await reviewer.review("secret-token");
  expect(asked).toHaveLength(1);
  await time.elapse(1);
  await reviewer.review("secret-token");
  expect(asked).toHaveLength(2);
});

test("a token that is longer than 16 KiB is not asked about", async () => {
  const { asked, reviewer } = reviewerOf(() => reviewedAs(pod));
  expect(await reviewer.review("x".repeat(16_385))).toMatchObject({
    ok: false,
    refusal: { code: RefusalCode.TOKEN_REFUSED },
  });
  expect(asked).toEqual([]);
});

test("50 at once, 50 a second for those who wait 5 s at most, the others come back later", async () => {
  const { time, asked, reviewer } = reviewerOf(() => reviewedAs(pod));
  const answers = Array.from({ length: 400 }, (_, index) =>
    reviewer.review(tokenOf(testPod(`p-${index.toString()}`), epochMs + 60_000)),
  );
  await time.elapse(0);
  expect(asked).toHaveLength(50);
  await time.elapse(1_000);
  expect(asked).toHaveLength(100);
  await time.elapse(4_000);
  expect(asked).toHaveLength(300);
  const limited = (await Promise.all(answers)).filter((it) => !it.ok);
  expect(limited).toHaveLength(100);
  expect(limited[0]).toMatchObject({
    refusal: { code: RefusalCode.REVIEW_LIMIT, retryAfter: { nanos: 20_000_000 } },
  });
});

test("an API server that does not answer is told as such, and not remembered", async () => {
  let isUp = false;
  const { reviewer } = reviewerOf(() => {
    if (!isUp) throw new Error("ECONNREFUSED 10.0.0.1");
    return reviewedAs(pod);
  });
  const token = tokenOf(pod, epochMs + 60_000);
  const down = await reviewer.review(token);
  expect(down).toMatchObject({ refusal: { code: RefusalCode.REVIEW_UNAVAILABLE } });
  expect(down.ok ? "" : down.refusal.message).not.toContain("10.0.0.1");
  isUp = true;
  expect(await reviewer.review(token)).toMatchObject({ ok: true });
});

test("the tokens of a deleted pod are forgotten, those of others are not", async () => {
  const { asked, reviewer } = reviewerOf((token) => reviewedAs(token === "a" ? pod : testPod()));
  await reviewer.review("a");
  await reviewer.review("b");
  reviewer.forget(pod.uid);
  await reviewer.review("a");
  await reviewer.review("b");
  expect(asked).toEqual(["a", "b", "a"]);
});

test("a token without an end is good for 10 min, one that seems past for a second", async () => {
  const { reviewer } = reviewerOf(() => reviewedAs(pod));
  expect(await reviewer.review("opaque")).toMatchObject({ expiresInMs: 600_000 });
  expect(await reviewer.review(tokenOf(pod, epochMs - 5_000))).toMatchObject({
    expiresInMs: 1_000,
  });
});
