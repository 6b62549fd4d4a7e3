/** Before the first cluster test: compiled dist/, and the programs of a control plane. */
import { setup as build } from "../support/build-once.ts";
import { findPrograms } from "./programs.ts";

/** Runs once for all files, so that no test waits for a build. */
export async function setup(): Promise<void> {
  build();
  await findPrograms((line) => process.stderr.write(`${line}\n`));
}
