// Invisible characters in a message are shown as their code; everything else is unchanged.
import { expect, test } from "vitest";
import { quoted, visible } from "./visible.ts";

test.each([
  ["age", "age"],
  ["Größe é 数 😀", "Größe é 数 😀"],
  ["age\u200b", "age\\u{200b}"],
  ["\ufeffage", "\\u{feff}age"],
  ["\u001b[2Jgone\r\n", "\\u{1b}[2Jgone\\u{d}\\u{a}"],
  ["\u202etxt.exe", "\\u{202e}txt.exe"],
  ["a\u2028b\u0085c\u007f", "a\\u{2028}b\\u{85}c\\u{7f}"],
  ["half \ud800", "half \\u{d800}"],
])("%j", (text, seen) => expect(visible(text)).toBe(seen));

test("quoted texts are truncated", () => {
  expect(quoted("a\tb")).toBe('"a\\u{9}b"');
  expect(quoted("x".repeat(50))).toBe(`"${"x".repeat(40)}…"`);
});
