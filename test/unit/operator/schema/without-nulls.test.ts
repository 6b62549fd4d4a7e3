import { expect, test } from "vitest";
import { check, schemas } from "../../../../operator/schema/index.ts";
import { withoutNulls } from "../../../../operator/schema/without-nulls.ts";
import { demandManifest } from "../../../support/manifests.ts";

test("a record with nothing below it gets its defaults, as the API server gives them", () => {
  const manifest = demandManifest((it) => Object.assign(it.spec, { queue: null, paused: null }));
  const checked = check(schemas.Demand, manifest);
  expect(checked.ok && checked.value.spec).toMatchObject({
    queue: { maxItems: 10_000 },
    paused: false,
  });
});

test("a field that is required is missing when it is null", () => {
  const checked = check(
    schemas.Demand,
    demandManifest((it) => (it.spec.selector = null)),
  );
  expect(!checked.ok && checked.refusals.map(({ problem }) => problem)).toEqual(["is missing"]);
});

test("an unknown field and an entry of a list stay, to be refused", () => {
  const { document } = schemas.Demand;
  const spec = { colour: null, selector: { matchExpressions: [null, { values: null }] } };
  expect(withoutNulls({ spec }, document)).toEqual({
    spec: { colour: null, selector: { matchExpressions: [null, {}] } },
  });
});

test("an entry of a map that is null is absent", () => {
  const { document } = schemas.Demand;
  const spec = { selector: { matchLabels: { app: "web", tier: null } } };
  expect(withoutNulls({ spec }, document)).toEqual({
    spec: { selector: { matchLabels: { app: "web" } } },
  });
});

test("a null in apps.yaml is refused: there is no API server whose habit it is", () => {
  const apps = [{ name: "web", labels: { app: "web" }, command: ["node"], env: null }];
  expect(check(schemas.apps, { apps }).ok).toBe(false);
});
