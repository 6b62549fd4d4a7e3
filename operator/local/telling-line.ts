/** Which line of a crash tells why: the last one that is no frame of a stack and no decoration. */
import { stripVTControlCharacters } from "node:util";

/** Longest line that is kept, characters. */
const maxCharacters = 200;

/** Frames are indented; Node ends each crash with its version, and a printed error with a brace. */
const decoration = /^(\s|$|\^|[\]})]|Node\.js v\d)/;

/** @returns the line without colours, shortened; undefined when it tells nothing. */
export function tellingLine(written: string): string | undefined {
  const line = stripVTControlCharacters(written);
  if (decoration.test(line)) return undefined;
  return line.length <= maxCharacters ? line : `${line.slice(0, maxCharacters - 1)}…`;
}
