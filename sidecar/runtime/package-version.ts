/** Which version of the program this is. */
import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** @returns the version of the package that this file belongs to; `unknown` where there is none. */
export function packageVersion(): string {
  const file = findPackageJSON(import.meta.url);
  const found: unknown = file === undefined ? undefined : JSON.parse(readFileSync(file, "utf8"));
  return typeof found === "object" &&
    found !== null &&
    "version" in found &&
    typeof found.version === "string"
    ? found.version
    : "unknown";
}
