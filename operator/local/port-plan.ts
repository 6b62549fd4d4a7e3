/** Which replica listens where, checked before anything is started. */
import { createServer } from "node:net";
import type { LocatedApp } from "./apps-file.ts";
import { LocalError } from "./local-error.ts";
import { fieldProblem } from "./located-document.ts";

/** @returns whether nothing listens on a port, on loopback or on all addresses. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await canListen("127.0.0.1", port)) && (await canListen("0.0.0.0", port));
}

async function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(false);
      else reject(error);
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * Gives each replica of each program its port: the first its program's own, the others the next
 * free ones. A port that a program names is never given to a replica of another.
 * @param isFree asked for each candidate.
 * @returns by program name, one port per replica; absent for programs without a port.
 * @throws {LocalError} `PORT_IN_USE` at the line of the port.
 */
export async function planPorts(
  apps: readonly LocatedApp[],
  isFree: (port: number) => Promise<boolean>,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const taken = new Set(apps.flatMap(({ app }) => (app.port === undefined ? [] : [app.port])));
  const plan = new Map<string, readonly number[]>();
  for (const located of apps) {
    const { port, replicas, name } = located.app;
    if (port === undefined || replicas === 0) continue;
    if (!(await isFree(port))) throw portInUse(located, port);
    const ports = [port];
    for (let next = port + 1; ports.length < replicas && next <= 65_535; next++) {
      if (taken.has(next) || !(await isFree(next))) continue;
      taken.add(next);
      ports.push(next);
    }
    if (ports.length < replicas) throw portInUse(located, port);
    plan.set(name, ports);
  }
  return plan;
}

function portInUse({ app, document, path }: LocatedApp, port: number): LocalError {
  const problem = `is ${port}, and something else listens there (program ${app.name})`;
  const remedy = "Stop what listens there, or write another port.";
  return new LocalError("PORT_IN_USE", [
    fieldProblem(document, [...path, "port"], { problem, remedy }),
  ]);
}
