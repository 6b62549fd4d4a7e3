/** What both programs of the example do at their start and end. */

/** A variable that `spillway up` sets. Ends the program with a sentence when it is missing. */
export function requiredVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") {
    console.error(
      `${name} is not set: start this program with "npx spillway up examples/thumbnails"`,
    );
    process.exit(2);
  }
  return value;
}

/** Stops in order on SIGTERM or SIGINT; a second signal ends the program at once. */
export function runUntilSignal(close: () => Promise<void>): void {
  const stop = (signal: NodeJS.Signals): void => {
    console.log(`${signal}: stopping`);
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}
