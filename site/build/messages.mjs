// Extracts every error message from the sources: its words, who raises it, and under which condition.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import ts from "typescript";

const raised = new Set(["HebbError", "ShapeError", "InvalidArgumentError", "Overloaded", "TooLarge"]);
const longestCondition = 160;

/** The sources in a folder, without tests. */
export function* sourcesIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sourcesIn(path);
    else if (/\.ts$/.test(path) && !/\.test\.ts$/.test(path)) yield path;
  }
}

/** The name of a value in a message: the printed variable, without the function that prints it. */
function placeholder(expression) {
  if (ts.isCallExpression(expression)) {
    const [first] = expression.arguments;
    if (ts.isPropertyAccessExpression(expression.expression)) return placeholder(expression.expression.expression);
    return first === undefined ? "…" : placeholder(first);
  }
  if (ts.isPropertyAccessExpression(expression)) {
    const name = expression.name.text;
    return /^(length|constructor)$/.test(name)
      ? `${placeholder(expression.expression)} ${name}`
      : name.replace("#", "");
  }
  if (ts.isIdentifier(expression)) return expression.text;
  if (ts.isNonNullExpression(expression) || ts.isParenthesizedExpression(expression) || ts.isAsExpression(expression))
    return placeholder(expression.expression);
  return "…";
}

/** A message as pieces: strings, values, and choices between lists of pieces. */
function pieces(expression, constants) {
  if (ts.isStringLiteralLike(expression)) return [expression.text];
  if (ts.isTemplateExpression(expression))
    return [
      expression.head.text,
      ...expression.templateSpans.flatMap(({ expression: value, literal }) => [
        ...pieces(value, constants),
        literal.text,
      ]),
    ];
  if (ts.isParenthesizedExpression(expression)) return pieces(expression.expression, constants);
  if (ts.isBinaryExpression(expression) && expression.operatorToken.kind === ts.SyntaxKind.PlusToken)
    return [...pieces(expression.left, constants), ...pieces(expression.right, constants)];
  if (ts.isConditionalExpression(expression))
    return [{ either: [pieces(expression.whenTrue, constants), pieces(expression.whenFalse, constants)] }];
  const known = ts.isIdentifier(expression) ? constants.get(expression.text) : undefined;
  if (known !== undefined) return pieces(known, new Map());
  return [{ value: placeholder(expression) }];
}

/** The message as displayed. */
const shown = (parts) =>
  parts
    .map((part) => {
      if (typeof part === "string") return part;
      if ("value" in part) return `‹${part.value}›`;
      const [one, other] = part.either.map(shown);
      if (one === "" || other === "") return `[${one}${other}]`;
      return `[${one} | ${other}]`;
    })
    .join("");

/** The message as a regular expression: each value matches anything. */
const pattern = (parts) =>
  parts
    .map((part) => {
      if (typeof part === "string") return part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&").replaceAll(/\s+/g, "\\s+");
      return "value" in part ? "[\\s\\S]*?" : `(?:${part.either.map(pattern).join("|")})`;
    })
    .join("");

/** The function around a position, with its class: the one that the reader called, or one that it called. */
function raiser(node) {
  for (let at = node.parent; at !== undefined; at = at.parent) {
    const named =
      ts.isFunctionDeclaration(at) ||
      ts.isMethodDeclaration(at) ||
      ts.isAccessor(at) ||
      ts.isConstructorDeclaration(at);
    const assigned = ts.isVariableDeclaration(at) && at.initializer !== undefined && ts.isArrowFunction(at.initializer);
    if (!named && !assigned) continue;
    const owner = ts.isClassLike(at.parent) ? at.parent.name?.text : undefined;
    if (ts.isConstructorDeclaration(at)) return owner === undefined ? undefined : `new ${owner}`;
    const name = at.name?.getText();
    return owner === undefined ? name : `${owner}.${name}`;
  }
  return undefined;
}

/** The condition that leads to a position, as in the source. */
function condition(node) {
  for (let at = node; at.parent !== undefined; at = at.parent) {
    const { parent } = at;
    if (ts.isFunctionLike(parent)) return undefined;
    const says = (test, holds) => {
      const text = test.getText().replaceAll(/\s+/g, " ");
      return text.length > longestCondition ? undefined : holds ? text : `!(${text})`;
    };
    if (ts.isIfStatement(parent) && at !== parent.expression)
      return says(parent.expression, at === parent.thenStatement);
    if (ts.isConditionalExpression(parent) && at !== parent.condition)
      return says(parent.condition, at === parent.whenTrue);
  }
  return undefined;
}

const wordsIn = (text) => text.replaceAll(/‹[^›]*›/g, " ").match(/[A-Za-z]{2,}/g)?.length ?? 0;

/** The messages of a source, and its purpose from its first line. */
export function messagesOf(path, root) {
  const source = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ES2022, true);
  const constants = new Map();
  const found = [];
  const visit = (node) => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined) {
      const { initializer } = node;
      if (ts.isStringLiteralLike(initializer) || ts.isTemplateExpression(initializer))
        constants.set(node.name.text, initializer);
    }
    if (ts.isNewExpression(node) && raised.has(node.expression.getText())) {
      const [message] = node.arguments ?? [];
      if (message !== undefined) {
        const parts = pieces(message, constants);
        const text = shown(parts).replaceAll(/\s+/g, " ").trim();
        if (wordsIn(text) >= 2) {
          const file = relative(root, path).replaceAll(sep, "/");
          found.push({
            text,
            pattern: pattern(parts),
            error: node.expression.getText(),
            file,
            by: raiser(node),
            when: condition(node),
          });
        }
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  const about = /^\/\/ (.*)$/m.exec(source.text)?.[1] ?? "";
  return { about, found };
}
