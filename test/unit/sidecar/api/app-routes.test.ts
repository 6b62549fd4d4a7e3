import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { apiFixture } from "../../../support/api-fixture.ts";

/** Every route, a path that reaches it, and the pattern that must have handled it. */
const routes = [
  ["POST", "/v1/demands/pictures/items", "/v1/demands/:demand/items"],
  ["POST", "/v1/demands/pictures/items/batch", "/v1/demands/:demand/items/batch"],
  ["GET", "/v1/items/t1", "/v1/items/:ticket"],
  ["GET", "/v1/items/t1/explain", "/v1/items/:ticket/explain"],
  ["DELETE", "/v1/items/t1", "/v1/items/:ticket"],
  ["GET", "/v1/demands", "/v1/demands"],
  ["GET", "/v1/demands/pictures", "/v1/demands/:demand"],
  ["GET", "/v1/demands/pictures/items", "/v1/demands/:demand/items"],
  ["GET", "/v1/demands/pictures/outcomes", "/v1/demands/:demand/outcomes"],
  ["GET", "/v1/capabilities", "/v1/capabilities"],
  ["GET", "/v1/capabilities/resizer", "/v1/capabilities/:capability"],
  ["POST", "/v1/capabilities/resizer/pull", "/v1/capabilities/:capability/pull"],
  ["GET", "/v1/capabilities/resizer/presence", "/v1/capabilities/:capability/presence"],
  ["POST", "/v1/leases/l1/complete", "/v1/leases/:lease/complete"],
  ["POST", "/v1/leases/l1/fail", "/v1/leases/:lease/fail"],
  ["POST", "/v1/leases/l1/reject", "/v1/leases/:lease/reject"],
  ["POST", "/v1/leases/l1/release", "/v1/leases/:lease/release"],
  ["POST", "/v1/leases/l1/heartbeat", "/v1/leases/:lease/heartbeat"],
  ["GET", "/v1/openapi.json", "/v1/openapi.json"],
] as const;

describe("routes", () => {
  test.each(routes)("%s %s is handled by %s", async (method, url, pattern) => {
    const { app } = await apiFixture();
    const handled = app.findRoute({ method, url: pattern });
    expect(handled).not.toBeNull();
    expect(app.hasRoute({ method, url: pattern })).toBe(true);
    // Which handler ran, told by the router itself.
    const { server, app: running, metrics } = await apiFixture();
    const streams = ["outcomes", "presence"].some((end) => url.endsWith(end));
    if (streams) {
      setTimeout(() => void server.close(0), 50);
    }
    const payload = url.endsWith("pull") ? { wait: "0s" } : {};
    await running.inject({ method, url, ...(method === "POST" ? { payload } : {}) });
    expect(await metrics.expose()).toContain(`{route="${pattern}",method="${method}"`);
  });

  test("are all in the OpenAPI document, and nothing else is", async () => {
    const { app } = await apiFixture();
    const { paths }: { paths: Record<string, Record<string, unknown>> } = (
      await app.inject("/v1/openapi.json")
    ).json();
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const known = routes
      .map(([method, , pattern]) => `${method} ${pattern.replaceAll(/:([a-z]+)/g, "{$1}")}`)
      .filter((route) => !route.endsWith("openapi.json"));
    expect(documented.sort()).toEqual(known.sort());
  });

  test("of which none begins a verb with a colon", () => {
    for (const [, , pattern] of routes) expect(pattern).not.toMatch(/[^/]:/);
  });
});

/** Values that are right somewhere, beside arbitrary ones. */
const word = fc.oneof(
  fc.constantFrom("0", "5s", "1h", "t1", "pictures", "resizer", "null", "-1", "9"),
  fc.string({ maxLength: 40 }),
);
const headerNames = [
  "content-type",
  "accept",
  "idempotency-key",
  "spillway-priority",
  "spillway-delay",
  "spillway-deadline",
  "spillway-fairness-key",
  "spillway-ordering-key",
  "spillway-submitter",
  "spillway-presence",
  "last-event-id",
  "traceparent",
];
const types = [
  "application/json",
  "application/x-protobuf",
  "application/json; charset=utf-16",
  "text/plain",
  "",
];
const headers = fc
  .dictionary(fc.constantFrom(...headerNames), word)
  .chain((some) => fc.constantFrom(...types).map((type) => ({ ...some, "content-type": type })))
  .map((some) =>
    // HTTP itself does not let others through.
    Object.fromEntries(
      Object.entries(some).filter(([, value]) => /^[\t -~\u0080-\u00ff]*$/.test(value)),
    ),
  );
const body = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.jsonValue({ maxDepth: 5 }).map((value) => Buffer.from(JSON.stringify(value))),
  fc
    .record(
      {
        items: fc.array(fc.record({ request: fc.jsonValue(), options: fc.jsonValue() })),
        max: fc.jsonValue(),
        wait: fc.constantFrom("0s", "1ms", 5, null),
        retryable: fc.jsonValue(),
        delay: word,
        error: fc.jsonValue(),
        url: fc.jsonValue(),
        image: fc.jsonValue(),
      },
      { requiredKeys: ["wait"] },
    )
    .map((value) => Buffer.from(JSON.stringify(value))),
);

test("no body, header or path makes a call fail by a bug: every refusal a problem", async () => {
  const { app, node } = await apiFixture();
  const pull = node.pull.bind(node);
  node.pull = (capability, options) => pull(capability, { ...options, waitMs: 0 });
  const fuzzed = routes.filter(([, url]) => !/outcomes|presence|openapi/.test(url));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...fuzzed),
      headers,
      body,
      fc.option(word, { freq: 3 }),
      async ([method, url], sent, payload, segment) => {
        const replaced =
          segment === null
            ? url
            : url.replace(/t1|l1|pictures|resizer/, encodeURIComponent(segment));
        const answer = await app.inject({ method, url: replaced, headers: sent, payload });
        expect(answer.statusCode, answer.body).toBeLessThan(500);
        if (answer.statusCode >= 400) {
          expect(answer.json()).toMatchObject({
            status: answer.statusCode,
            code: /^[A-Z_]+$/.exec(answer.json().code)?.[0],
          });
        }
      },
    ),
    { numRuns: 2_000 },
  );
}, 60_000);
