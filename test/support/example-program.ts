/**
 * Text of a program for `spillway up` in tests: says what it was given in NAME.json, listens on
 * PORT if it has one, has a child that would outlive it, and ends 50 ms after SIGTERM.
 */
export const exampleProgram = `
import { spawn } from "node:child_process";
import { appendFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { basename, dirname, join } from "node:path";

const socket = process.env.SPILLWAY_SOCKET;
const name = basename(socket, ".sock");
const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
const facts = { env: process.env, cwd: process.cwd(), argv: process.argv, child: child.pid };
writeFileSync(name + ".json", JSON.stringify(facts));
if (process.env.PORT !== undefined) createServer((q, r) => r.end(name)).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => {
  appendFileSync(join(dirname(socket), "events"), "SIGTERM " + name + "\\n");
  setTimeout(() => process.exit(0), 50);
});
console.log("hello from " + name);
setInterval(() => {}, 1000);
`;
