// Text from files in messages and tables: control characters and invisible characters are shown as their code.

/**
 * Control characters, marks that change the writing direction, and zero-width characters: they can overwrite a terminal's lines or
 * make two names look the same. Tabs and line breaks are included, because a message is one line.
 */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\u2800]|[\ufe00-\ufe0f]/gu;

/** The text with each such character replaced by the result of `write`. */
export const withoutUnseen = (text: string, write: (char: string) => string): string => text.replace(unseen, write);

/** The text with each such character as \u{…}, such as `age\u{200b}`. */
export const visible = (text: string): string =>
  withoutUnseen(text, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);

/** The same in quotes, truncated to `longest` characters. */
export const quoted = (text: string, longest = 40): string =>
  `"${visible(text.length > longest ? `${text.slice(0, longest)}…` : text)}"`;
