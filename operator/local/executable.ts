/** Finds a command as the system would, before anything is started with it. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join, resolve } from "node:path";

/**
 * Where a command lies.
 * @param command a name, looked up in `searchPath`, or a path, relative to `folder`.
 * @returns the absolute path; undefined when no file that may be run is there.
 */
export function findExecutable(
  command: string,
  { folder, searchPath }: { readonly folder: string; readonly searchPath: string },
): string | undefined {
  if (command.includes("/")) {
    const path = isAbsolute(command) ? command : resolve(folder, command);
    return isExecutable(path) ? path : undefined;
  }
  return searchPath
    .split(delimiter)
    .map((part) => join(part === "" ? folder : resolve(folder, part), command))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
