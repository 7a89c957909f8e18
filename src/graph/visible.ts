// Text from files in messages and tables: control and invisible characters are written as their code.

/**
 * Control characters, marks that turn the direction of writing, and characters without width: they can rewrite a terminal's lines or
 * make two names look the same. A tab and a line break are among them: a message is one line.
 */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\u2800]|[\ufe00-\ufe0f]/gu;

/** The text with every character of that kind replaced by what `write` makes of it. */
export const withoutUnseen = (text: string, write: (char: string) => string): string => text.replace(unseen, write);

/** The text with every character of that kind as \u{…}, such as `age\u{200b}`. */
export const visible = (text: string): string =>
  withoutUnseen(text, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);

/** The same in quotes, at most `longest` characters of it. */
export const quoted = (text: string, longest = 40): string =>
  `"${visible(text.length > longest ? `${text.slice(0, longest)}…` : text)}"`;
