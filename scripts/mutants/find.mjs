// Finds places where a small change alters the meaning of a program: operators, constants, conditions, statements.

import { transform } from "esbuild";

/** Code alone: comments, strings, templates and regular expressions become spaces, so that positions do not change. */
export function codeOf(text) {
  const blank = (part) => part.replace(/[^\n]/g, " ");
  const skipped =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`|(?<=[(,=:[!&|?{};]\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;
  return text.replace(skipped, blank);
}

/** Patterns and their replacements. Type operators have no spaces around them and are left alone. */
const changes = [
  [/(?<=\s)<(?=\s)/g, "<="],
  [/(?<=\s)<=(?=\s)/g, "<"],
  [/(?<=\s)>(?=\s)/g, ">="],
  [/(?<=\s)>=(?=\s)/g, ">"],
  [/(?<=\s)===(?=\s)/g, "!=="],
  [/(?<=\s)!==(?=\s)/g, "==="],
  [/(?<=\s)&&(?=\s)/g, "||"],
  [/(?<=\s)\|\|(?=\s)/g, "&&"],
  [/(?<=[\w)\]]\s)\+(?=\s)/g, "-"],
  [/(?<=[\w)\]]\s)-(?=\s)/g, "+"],
  [/(?<=[\w)\]]\s)\*(?=\s)/g, "/"],
  [/(?<=[\w)\]]\s)\/(?=\s)/g, "*"],
  [/\bMath\.min\b/g, "Math.max"],
  [/\bMath\.max\b/g, "Math.min"],
  [/\bMath\.floor\b/g, "Math.ceil"],
  [/\bMath\.ceil\b/g, "Math.floor"],
  [/(?<=[=(,?:]\s?|return )true\b/g, "false"],
  [/(?<=[=(,?:]\s?|return )false\b/g, "true"],
  [/(?<![\w.$])\d+(?![\w.$])/g, (digits) => String(Number(digits) + 1)],
  [/(?<=\bif \()(?=[^\n&|]*\) (?:return|throw|continue|break)\b)/g, "false && "],
  [/^ +(?:await )?(?:this\.)?[\w#]+(?:\.[\w#]+)*\([^\n]*\);$/gm, ""],
];

/** { line, start, end, from, to } of every possible change, in order. */
export function mutationsOf(text) {
  const code = codeOf(text);
  const found = [];
  for (const [pattern, put] of changes) {
    for (const match of code.matchAll(pattern)) {
      const start = match.index;
      const end = start + match[0].length;
      const before = code.slice(code.lastIndexOf("\n", start) + 1, start);
      // Declarations have no meaning at run time.
      if (/^\s*(?:import|export type|type|readonly|interface|declare)\b/.test(before)) continue;
      const to = typeof put === "string" ? put : put(match[0]);
      // A statement begins after another one; similar text elsewhere is part of a statement.
      if (to === "" && !/[;{}]\s*$/.test(code.slice(0, start))) continue;
      found.push({ line: code.slice(0, start).split("\n").length, start, end, from: text.slice(start, end), to });
    }
  }
  return found.sort((a, b) => a.start - b.start);
}

const compiled = (text) =>
  transform(text, { loader: "ts", minifyWhitespace: true, logLevel: "silent" }).then(
    ({ code }) => code,
    () => undefined,
  );

/** Whether a text with `mutation` compiles, and to different code: changes of types do not. */
export async function differs(text, { start, end, to }) {
  const changed = await compiled(text.slice(0, start) + to + text.slice(end));
  return changed !== undefined && changed !== (await compiled(text));
}
