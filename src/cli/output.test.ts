// Output of the command: text from files is escaped in one place; data and JSON keep their values.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Output, visibleJson } from "./output.ts";

/** Cursor movement, a line break, text direction, a zero-width character, half a surrogate pair, a C1 control character, a tag. */
const evil = "a\u001b[2J\r\nb\u202ec\u200bd\ud800e\u009b31m\u{e0041}\u007f";
const harmless = "a\\u{1b}[2J\\u{d}\\u{a}b\\u{202e}c\\u{200b}d\\u{d800}e\\u{9b}31m\\u{e0041}\\u{7f}";

function written(terminal: boolean, say: (output: Output) => void): string {
  let text = "";
  say(
    new Output((part) => {
      text += part;
    }, terminal),
  );
  return text;
}

test("lines, bars, frames and hebb's own texts", () => {
  for (const terminal of [true, false]) {
    expect(written(terminal, (output) => output.line(evil, "next"))).toBe(`${harmless}\nnext\n`);
    expect(written(terminal, (output) => output.bar(evil))).toBe(harmless);
    expect(written(terminal, (output) => output.frame([evil], 2))).toBe(`\u001b[2A\u001b[0J${harmless}\n`);
    expect(written(terminal, (output) => output.text("a\tb\n\u001bc\n"))).toBe("a\\u{9}b\n\\u{1b}c\n");
  }
});

test("a bar is replaced by the next output", () => {
  const text = written(true, (output) => {
    output.bar("1");
    output.bar("2");
    output.line("done");
    output.line("more");
  });
  expect(text).toBe("1\r\u001b[2K2\r\u001b[2Kdone\nmore\n");
});

test("data stay unchanged if a program reads them", () => {
  expect(written(false, (output) => output.data(`${evil}\n`))).toBe(`${evil}\n`);
  expect(written(true, (output) => output.data("x\u001b[2J\ny\n"))).toBe("x\\u{1b}[2J\ny\n");
});

test("JSON is escaped and has the same value", () => {
  const value = { [evil]: [evil, 1, null], n: Number.NaN };
  const text = visibleJson(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there.
  expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200b\u202e]|\u{e0041}/u);
  expect(JSON.parse(text)).toEqual({ [evil]: [evil, 1, null], n: null });
});

test("nothing else in src/cli writes to the terminal", () => {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const others = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && name !== "output.ts",
  );
  expect(others.length).toBeGreaterThan(20);
  const writing = others.filter((name) =>
    /\bconsole\.|std(out|err)\.write|emitWarning/.test(readFileSync(join(folder, name), "utf8")),
  );
  expect(writing).toEqual([]);
});
