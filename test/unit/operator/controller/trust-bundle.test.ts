import { afterEach, beforeEach, expect, test } from "vitest";
import { TrustBundle } from "../../../../operator/controller/index.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeApiServer } from "../../../support/fake-api-server.ts";
import { runtimeRig } from "../../../support/runtime-rig.ts";

const collection = "/api/v1/namespaces/spillway-system/configmaps";
const path = `${collection}/spillway-injection`;
let server: FakeApiServer;

beforeEach(async () => {
  server = await FakeApiServer.start();
});

afterEach(async () => {
  await server.stop();
});

function rig() {
  const runtime = runtimeRig();
  const { time, surroundings, lines } = runtime;
  const client = runtime.client(server);
  const bundle = { pem: "first" };
  const namespace = "spillway-system";
  const trust = new TrustBundle({
    client,
    surroundings,
    namespace,
    operatorVersion: "1.2.3",
    bundlePem: () => bundle.pem,
  });
  const until = (condition: () => boolean): Promise<unknown> =>
    eventually(async () => {
      await time.elapse(50);
      return condition();
    });
  const stands = (pem: string) => until(() => JSON.stringify(server.get(path)).includes(pem));
  const writes = () => server.requests.filter(({ method }) => method !== "GET").length;
  const end = async () => {
    await trust.stop();
    await client.close();
  };
  return { time, lines, bundle, trust, until, stands, writes, end };
}

test("it is written again after a failure", async () => {
  const { trust, stands, lines, end } = rig();
  server.fail({ answer: 403, reason: "Forbidden", times: 3 });
  trust.start();
  await stands("first");
  expect(lines).toContain("the trust bundle could not be written for injection");
  await end();
});

test("a changed one is written at once, and one that others took away within a minute", async () => {
  const { trust, bundle, stands, time, end } = rig();
  trust.start();
  await stands("first");
  bundle.pem = "second";
  trust.changed();
  await stands("second");
  server.remove(path);
  await time.elapse(60_000);
  await stands("second");
  await end();
});

test("what stands there already is not written", async () => {
  const { trust, writes, until, time, end } = rig();
  const metadata = { name: "spillway-injection" };
  const data = { trustBundle: "first", operatorVersion: "1.2.3" };
  server.put(collection, { metadata, ...{ data } });
  trust.start();
  await until(() => server.requests.length === 1);
  await time.elapse(60_000);
  await until(() => server.requests.length > 1);
  expect(writes()).toBe(0);
  await end();
});

test("the version of another leader is replaced by this one's", async () => {
  const { trust, stands, end } = rig();
  const metadata = { name: "spillway-injection" };
  const data = { trustBundle: "first", operatorVersion: "1.0.0" };
  server.put(collection, { metadata, ...{ data } });
  trust.start();
  await stands("1.2.3");
  await end();
});
