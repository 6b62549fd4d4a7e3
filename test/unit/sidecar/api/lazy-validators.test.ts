import { fastify } from "fastify";
import { describe, expect, test } from "vitest";
import {
  LazyValidators,
  withoutDefaultCompilers,
} from "../../../../sidecar/api/lazy-validators.ts";

function served() {
  const app = fastify({ schemaController: withoutDefaultCompilers });
  new LazyValidators().attach(app);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  const querystring = {
    type: "object",
    additionalProperties: false,
    properties: { limit: { type: "integer", default: 5 } },
  };
  app.get("/list", { schema: { querystring } }, async (request) => request.query);
  app.get("/broken", { schema: { querystring: { type: "nonsense" } } }, async () => "never");
  return app;
}

describe("validators that are compiled late", () => {
  test("refuse, coerce and fill in defaults from the first call on", async () => {
    const app = served();
    const answers = await Promise.all(
      ["/list?limit=x", "/list", "/list?limit=7", "/list?more=1"].map((url) => app.inject(url)),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([400, 200, 200, 400]);
    expect(answers.slice(1, 3).map((answer) => answer.json())).toEqual([
      { limit: 5 },
      { limit: 7 },
    ]);
  });

  test("answer a later good call after a bad one", async () => {
    const app = served();
    expect((await app.inject("/list?limit=x")).statusCode).toBe(400);
    expect((await app.inject("/list?limit=1")).statusCode).toBe(200);
  });

  test("a schema that cannot be compiled fails its own route only", async () => {
    const app = served();
    expect((await app.inject("/broken")).statusCode).toBe(500);
    expect((await app.inject("/list")).statusCode).toBe(200);
  });
});
