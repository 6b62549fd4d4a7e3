/**
 * The files of crds/, made from operator/schema. `npm run crds` writes them; test/tidy compares
 * them with what is committed.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { format } from "node:util";
import { stringify } from "yaml";
import { customResourceDefinition, definedKinds } from "../../operator/schema/index.ts";
import { top } from "../tidy/tree.ts";

const made = "# Made from operator/schema by `npm run crds`. Do not edit.\n";

/** @returns path → text of every definition. */
export function crdFiles(): Record<string, string> {
  const files = definedKinds.map((kind) => {
    const definition = customResourceDefinition(kind);
    const text = stringify(definition, { lineWidth: 0, aliasDuplicateObjects: false });
    return [`crds/${definition.metadata.name}.yaml`, made + text] as const;
  });
  return Object.fromEntries(files);
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(crdFiles())) {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), text);
    process.stdout.write(format("%s: %d lines\n", path, text.split("\n").length - 1));
  }
}
