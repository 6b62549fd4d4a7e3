/**
 * Rules on the text and the syntax of one source file. Each takes a file and returns what breaks
 * it; names.test.ts and source.test.ts run them over the tree and over snippets that must fail.
 */
import ts from "typescript";
import type { Finding, SourceFile } from "./tree.ts";

/** Hard limits of a source file. Aim lower: 300 lines a file, 50 a function. */
export const limits = {
  fileLines: 500,
  functionLines: 70,
  lineColumns: 100,
  valueExports: 8,
} as const;

const parsed = new WeakMap<SourceFile, ts.SourceFile>();

/** @returns the syntax tree of a file, parsed once. */
export function syntaxOf(file: SourceFile): ts.SourceFile {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const tree = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true);
  parsed.set(file, tree);
  return tree;
}

/** Calls `visit` with every node below one. */
function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  ts.forEachChild(node, (child) => {
    visit(child);
    walk(child, visit);
  });
}

function lineOf(node: ts.Node): number {
  const source = node.getSourceFile();
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

/** Lines of each function that has a block, with its first line. */
export function functionLengths(file: SourceFile): { line: number; lines: number }[] {
  const source = syntaxOf(file);
  const found: { line: number; lines: number }[] = [];
  walk(source, (node) => {
    if (!ts.isFunctionLike(node) || !("body" in node)) return;
    const { body } = node;
    if (body === undefined || !ts.isBlock(body)) return;
    const first = lineOf(node);
    const last = source.getLineAndCharacterOfPosition(body.getEnd()).line + 1;
    found.push({ line: first, lines: last - first + 1 });
  });
  return found;
}

/** Where string and template literals stand: a sentence or a proto snippet in one is not cut. */
function literalSpans(source: ts.SourceFile): { from: number; to: number }[] {
  const spans: { from: number; to: number }[] = [];
  walk(source, (node) => {
    if (!ts.isStringLiteralLike(node) && !ts.isTemplateExpression(node)) return;
    spans.push({ from: node.getStart(source), to: node.getEnd() });
  });
  return spans;
}

function lineLengthFindings(file: SourceFile): Finding[] {
  const source = syntaxOf(file);
  const spans = literalSpans(source);
  const lines = file.text.split("\n");
  return lines.flatMap((text, index): Finding[] => {
    if (text.length <= limits.lineColumns) return [];
    const excess = source.getPositionOfLineAndCharacter(index, limits.lineColumns);
    // What follows a long literal (`, async () => {`) can be no shorter either.
    if (spans.some(({ from, to }) => from < excess && excess - 20 <= to)) return [];
    const message = `line length: ${text.length} columns, at most ${limits.lineColumns}`;
    return [{ path: file.path, line: index + 1, message, remedy: "break the line" }];
  });
}

/** @returns the number of lines of a text. */
export function lineCount(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

/** File ≤ 500 lines, line ≤ 100 columns; in what ships also function ≤ 70 and ≤ 8 value exports. */
export function lengthFindings(file: SourceFile, ships: boolean): Finding[] {
  const { path } = file;
  const findings: Finding[] = [];
  const lines = lineCount(file.text);
  if (lines > limits.fileLines) {
    const message = `file length: ${lines} lines, at most ${limits.fileLines}`;
    findings.push({ path, message, remedy: "two ideas live here: give the second its own file" });
  }
  findings.push(...lineLengthFindings(file));
  if (!ships) return findings;
  for (const { line, lines: length } of functionLengths(file)) {
    if (length <= limits.functionLines) continue;
    const message = `function length: ${length} lines, at most ${limits.functionLines}`;
    findings.push({ path, line, message, remedy: "name a part of it and move it out" });
  }
  const values = exportsOf(file).filter((entry) => entry.isValue);
  if (values.length > limits.valueExports) {
    const message = `value exports: ${values.length}, at most ${limits.valueExports}`;
    findings.push({ path, message, remedy: "split the file by idea" });
  }
  return findings;
}

/** `any`, `!` and `as` (but `as const`) outside the places that may use them. */
export function escapeFindings(file: SourceFile, mayCast: boolean): Finding[] {
  const findings: Finding[] = [];
  const add = (node: ts.Node, message: string, remedy: string): void => {
    findings.push({ path: file.path, line: lineOf(node), message, remedy });
  };
  walk(syntaxOf(file), (node) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) {
      add(node, "escape: any", "use unknown and find out what it is");
    } else if (ts.isNonNullExpression(node)) {
      add(
        node,
        "escape: a non-null assertion (!)",
        "handle undefined, or throw what it would mean",
      );
    } else if (ts.isTypeAssertionExpression(node) || (ts.isAsExpression(node) && !isConst(node))) {
      if (!mayCast)
        add(node, "escape: a cast (as)", "narrow with a check; casts live in wire/ only");
    } else if (ts.isEnumDeclaration(node)) {
      add(node, "escape: enum", "use a union of string literals");
    }
  });
  return findings;
}

function isConst(node: ts.AsExpression): boolean {
  return ts.isTypeReferenceNode(node.type) && node.type.getText() === "const";
}

/** One export that a file declares itself (re-exports are their own file's). */
export interface DeclaredExport {
  readonly name: string;
  readonly line: number;
  readonly isValue: boolean;
  readonly documented: boolean;
}

function isExported(statement: ts.Statement): boolean {
  if (!ts.canHaveModifiers(statement)) return false;
  const modifiers = ts.getModifiers(statement) ?? [];
  return modifiers.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword);
}

function hasDoc(node: ts.Node): boolean {
  return ts.getJSDocCommentsAndTags(node).length > 0;
}

/** @returns the top-level exports that a file declares. Overloads of one function count once. */
export function exportsOf(file: SourceFile): DeclaredExport[] {
  const found = new Map<string, DeclaredExport>();
  const add = (name: string, node: ts.Node, isValue: boolean): void => {
    const documented = hasDoc(node) || found.get(name)?.documented === true;
    found.set(name, { name, line: lineOf(node), isValue, documented });
  };
  for (const statement of syntaxOf(file).statements) {
    if (!isExported(statement)) continue;
    if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations) {
        add(name.getText(), statement, true);
      }
    } else if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
      add(statement.name?.text ?? "default", statement, true);
    } else if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) {
      add(statement.name.text, statement, false);
    }
  }
  return [...found.values()];
}

const scalarKinds = new Set([
  ts.SyntaxKind.NumberKeyword,
  ts.SyntaxKind.StringKeyword,
  ts.SyntaxKind.BooleanKeyword,
  ts.SyntaxKind.LiteralType,
]);

/** Whether a type is a number, text or choice: what somebody sets, not a port that is wired in. */
function isScalar(type: ts.TypeNode | undefined): boolean {
  if (type === undefined) return false;
  if (ts.isUnionTypeNode(type)) return type.types.every(isScalar);
  return scalarKinds.has(type.kind);
}

/** Values without a sentence below a type, records inside it included. */
function bareValues(members: ts.NodeArray<ts.TypeElement>, prefix: string): [string, ts.Node][] {
  return members.flatMap((member): [string, ts.Node][] => {
    if (!ts.isPropertySignature(member)) return [];
    const field = `${prefix}.${member.name.getText()}`;
    if (member.type !== undefined && ts.isTypeLiteralNode(member.type)) {
      return bareValues(member.type.members, field);
    }
    return isScalar(member.type) && !hasDoc(member) ? [[field, member]] : [];
  });
}

/**
 * Values of exported option records (`…Options`, `…Policy`) that have no sentence. A `Partial…`
 * record repeats the fields of the complete one, where the sentences are.
 */
export function optionFieldFindings(file: SourceFile): Finding[] {
  return syntaxOf(file).statements.flatMap((statement): Finding[] => {
    if (!isExported(statement) || !ts.isInterfaceDeclaration(statement)) return [];
    const name = statement.name.text;
    if (!/(Options|Policy)$/.test(name) || name.startsWith("Partial")) return [];
    return bareValues(statement.members, name).map(([field, node]) => ({
      path: file.path,
      line: lineOf(node),
      message: `option without a sentence: ${field}`,
      remedy: "say meaning, unit, range and default above it",
    }));
  });
}

/** `export *` and default exports. */
export function doorFindings(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  for (const statement of syntaxOf(file).statements) {
    const line = lineOf(statement);
    if (ts.isExportDeclaration(statement) && statement.exportClause === undefined) {
      const remedy = "name what leaves the room, so that the contract is one screen";
      findings.push({ path: file.path, line, message: "door: export *", remedy });
    }
    if (ts.isExportAssignment(statement) || /^export default\b/.test(statement.getText())) {
      findings.push({ path: file.path, line, message: "door: default export", remedy: "name it" });
    }
  }
  return findings;
}
