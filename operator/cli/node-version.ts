/**
 * Whether this Node can run the command. Imported before everything else, by a Node of any age: it
 * must import nothing itself.
 */

/** As `engines` asks for, and what the package's own folder brings for its development. */
const leastMajor = 24;

/**
 * @param version as `process.versions.node`.
 * @returns why it cannot run here and what to do; undefined when it can.
 */
export function nodeVersionProblem(version: string): string | undefined {
  if (Number.parseInt(version, 10) >= leastMajor) return undefined;
  const remedy = `run it by npx spillway in the package, or install Node ${leastMajor}`;
  return `spillway needs Node ${leastMajor} or later, this is ${version}; ${remedy}`;
}
