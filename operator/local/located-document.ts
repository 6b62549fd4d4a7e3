/** YAML whose values remember where they stand, so that a refusal can name line and column. */
import { type Document, isMap, isNode, isScalar, LineCounter, parseAllDocuments } from "yaml";
import { type FieldPath, type FieldRefusal, fieldText, refusalText } from "../schema/index.ts";
import type { Problem } from "./local-error.ts";

/** A place in a file, both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One document of a YAML file. */
export interface LocatedDocument {
  /** File as it is shown to people. */
  readonly file: string;
  /** Plain value; null for an empty document. */
  readonly value: unknown;
  /**
   * Where a field stands, or the nearest thing around it that is there.
   * @param at the value, or the name before it. @default "value"
   */
  readonly placeOf: (path: FieldPath, at?: "value" | "key") => Place;
}

/** The documents of a file, or the first thing that is no YAML. */
export type ParsedFile =
  | { readonly ok: true; readonly documents: readonly LocatedDocument[] }
  | { readonly ok: false; readonly problem: Problem };

/** Nodes that aliases may unfold to: a few lines of YAML can name billions. */
const maxAliasCount = 100;

/** Documents in one file. */
const maxDocuments = 1_000;

/** Reads the text of a file with one or more YAML documents. */
export function parseLocatedDocuments(file: string, text: string): ParsedFile {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const documents: readonly Document.Parsed[] = Array.isArray(parsed) ? parsed : [];
  if (documents.length > maxDocuments) {
    const count = `has ${documents.length} documents, allowed are ${maxDocuments}`;
    return { ok: false, problem: { file, text: count, remedy: "Split the file." } };
  }
  const located: LocatedDocument[] = [];
  for (const document of documents) {
    const syntaxError = document.errors[0];
    if (syntaxError !== undefined) {
      const place = placeAt(lines, syntaxError.pos[0]);
      const text = `is no YAML: ${syntaxError.message}`;
      return { ok: false, problem: { file, ...place, text, remedy: "Correct the line." } };
    }
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount });
    } catch (error) {
      const place = placeAt(lines, document.range[0]);
      const text = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
      return { ok: false, problem: { file, ...place, text, remedy: "Use fewer aliases." } };
    }
    located.push({ file, value, placeOf: (path, at) => placeOf({ document, lines }, path, at) });
  }
  return { ok: true, documents: located };
}

/** Turns a schema's refusal into a problem of this file. */
export function problemOf(document: LocatedDocument, refusal: FieldRefusal): Problem {
  const at = refusal.at === "parent" ? refusal.path.slice(0, -1) : refusal.path;
  const place = document.placeOf(at, refusal.at === "value" ? "value" : "key");
  const text = refusalText(refusal);
  return { file: document.file, ...place, text, remedy: refusal.remedy };
}

/** A problem that the schema cannot see, at a field of a document. */
export function fieldProblem(
  document: LocatedDocument,
  path: FieldPath,
  { problem, remedy }: { readonly problem: string; readonly remedy: string },
): Problem {
  const text = `${fieldText(path)} ${problem}`;
  return { file: document.file, ...document.placeOf(path), text, remedy };
}

interface Source {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
}

function placeOf(source: Source, path: FieldPath, at: "value" | "key" = "value"): Place {
  for (let length = path.length; length > 0; length--) {
    const part = path.slice(0, length);
    const offset = at === "key" ? keyOffset(source, part) : valueOffset(source, part);
    if (offset !== undefined) return placeAt(source.lines, offset);
  }
  const { contents, range } = source.document;
  return placeAt(source.lines, isNode(contents) ? (contents.range?.[0] ?? range[0]) : range[0]);
}

function valueOffset({ document }: Source, path: FieldPath): number | undefined {
  const node = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}

/** An entry of a list has no name: the place of its value stands for it. */
function keyOffset(source: Source, path: FieldPath): number | undefined {
  const parent = path.length === 1 ? source.document.contents : valueNode(source, path);
  const name = path.at(-1);
  if (!isMap(parent)) return valueOffset(source, path);
  const pair = parent.items.find(({ key }) => isScalar(key) && key.value === name);
  return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
}

function valueNode({ document }: Source, path: FieldPath): unknown {
  return document.getIn(path.slice(0, -1), true);
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}
