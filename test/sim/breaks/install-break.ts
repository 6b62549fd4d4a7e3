import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

/** Damage done on purpose: a piece of source text replaced when its file is loaded. */
export interface SourceBreak {
  readonly name: string;
  /** The checker that has to notice. */
  readonly checker: string;
  /** Path of the file in the repository. */
  readonly file: string;
  /** Text that stands exactly once in the file. */
  readonly from: string;
  readonly to: string;
}

const root = new URL("../../../", import.meta.url);

/**
 * Damages modules that are imported from now on.
 * @throws {Error} when the text does not stand exactly once in the file: the break has to be
 *   mended.
 */
export function installBreak(damage: SourceBreak): void {
  const url = new URL(damage.file, root).href;
  const source = brokenSource(damage);
  registerHooks({
    load: (loaded, context, nextLoad) => {
      const result = nextLoad(loaded, context);
      return loaded === url ? { ...result, source } : result;
    },
  });
}

/**
 * The damaged text of the file.
 * @throws {Error} when `from` does not stand exactly once in it.
 */
export function brokenSource(damage: SourceBreak): string {
  const source = readFileSync(fileURLToPath(new URL(damage.file, root)), "utf8");
  const parts = source.split(damage.from);
  if (parts.length !== 2) {
    throw new Error(
      `break ${damage.name}: its text stands ${String(parts.length - 1)} times in ${damage.file}`,
    );
  }
  return parts.join(damage.to);
}
