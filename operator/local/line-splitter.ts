/** Cuts a stream of bytes into lines of text, however the chunks fall. */
import { StringDecoder } from "node:string_decoder";

/** Longest line that is kept together, characters; a longer one is cut. */
export const maxLineLength = 16_384;

/** Feed it chunks; it calls back once for each whole line. */
export class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  readonly #onLine: (line: string) => void;
  #rest = "";

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** Takes the next bytes. */
  push(chunk: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.write(Buffer.from(chunk))).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#emit(line);
    while (this.#rest.length > maxLineLength) {
      this.#onLine(this.#rest.slice(0, maxLineLength));
      this.#rest = this.#rest.slice(maxLineLength);
    }
  }

  /** The stream is over: what waits is a line too. */
  end(): void {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = "";
    if (rest !== "") this.#emit(rest);
  }

  #emit(line: string): void {
    const text = line.endsWith("\r") ? line.slice(0, -1) : line;
    for (let from = 0; from === 0 || from < text.length; from += maxLineLength) {
      this.#onLine(text.slice(from, from + maxLineLength));
    }
  }
}
