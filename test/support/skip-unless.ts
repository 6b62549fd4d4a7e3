/**
 * What a machine may lack (root, network namespaces, Chromium) and how a test says so: skipped with
 * the reason in its name on a developer's machine, failed with the reason when CI=true, because a
 * skip nobody sees is a test nobody runs.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, test } from "vitest";

/** Body of a suite, as `describe` takes it. */
export type SuiteBody = () => void;

/** Declares a suite, as `describe(name, body)` does. */
export type DeclareSuite = (name: string, body: SuiteBody) => void;

/**
 * `describe`, unless the machine lacks something.
 *
 *     skipUnless(isRoot(), "needs root: it makes network namespaces")("two interfaces", () => { …
 *     });
 *
 * @param condition what the suite needs, found out once by a probe of this file.
 * @param reason what is missing and why it is needed; becomes part of the reported name.
 * @param ci true when a skip counts as a failure. Default: CI=true.
 * @returns `describe`; or a suite reported as skipped; or, with `ci`, as one failed test.
 */
export function skipUnless(
  condition: boolean,
  reason: string,
  ci = process.env["CI"] === "true",
): DeclareSuite {
  switch (verdictOn(condition, ci)) {
    case "run":
      return (name, body) => describe(name, body);
    case "skip":
      return (name, body) => describe.skip(`${name} [skipped: ${reason}]`, body);
    case "fail":
      return (name) =>
        test(name, () => {
          throw new Error(`skipped with CI=true: ${reason}. Install what is missing (see .ci/run)`);
        });
  }
}

/** @returns what becomes of a suite whose need is met or not, on a CI machine or not. */
export function verdictOn(condition: boolean, ci: boolean): "run" | "skip" | "fail" {
  if (condition) return "run";
  return ci ? "fail" : "skip";
}

/** @returns whether this process may do what only root may. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * @returns whether this process can make network namespaces: root, Linux, `ip`, and the kernel lets
 *   it.
 */
export function canMakeNetworkNamespaces(): boolean {
  if (process.platform !== "linux" || !isRoot()) return false;
  const name = `spillway-probe-${process.pid}`;
  try {
    execFileSync("ip", ["netns", "add", name], { stdio: "ignore" });
    execFileSync("ip", ["netns", "delete", name], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** @returns the path of an installed Chromium, or undefined. */
export function chromiumPath(): string | undefined {
  return ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
    existsSync(path),
  );
}
