/** What a program pays for: with a sidecar the SDK loads no node, no server, no logger. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { repository } from "../../support/running-folder.ts";

const program = `
import { registerHooks } from "node:module";
const urls = [];
registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) });
const { CML, Demand } = await import("spillway");
const { StringValueSchema: Text } = await import("@bufbuild/protobuf/wkt");
CML.Config.useSidecar("/nowhere");
const demand = new Demand({ request: Text, response: Text });
demand.announce();
await demand.close();
console.log(JSON.stringify(urls));
`;

test("a program that uses a sidecar loads neither the node nor what only the node needs", () => {
  const args = ["--input-type=module", "--eval", program];
  const output = execFileSync(process.execPath, args, { cwd: repository, encoding: "utf8" });
  const urls = JSON.parse(output) as string[];
  expect(urls.some((url) => url.includes("dist/sidecar/sdk/index.js"))).toBe(true);
  const notNeeded =
    /sidecar\/(node|transport|multicast|core\/work)\/|pino|prom-client|webtransport/;
  expect(urls.filter((url) => notNeeded.test(url))).toEqual([]);
});
