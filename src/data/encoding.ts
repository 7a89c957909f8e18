// Bytes to text: UTF-8, UTF-16, Latin-1, selected by a byte order mark or by name, and piece by piece for long files.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind } from "../graph/options.ts";
import { asBytes, type FileBytes } from "./bytes.ts";

/** "latin1" is Windows-1252, its superset that programs mean by that name. */
export const encodingNames = ["utf-8", "utf-16le", "utf-16be", "latin1"] as const;
export type EncodingName = (typeof encodingNames)[number];

/** The encoding that a byte order mark tells, and the length of the mark; UTF-8 without one. */
export function encodingOf(bytes: Uint8Array): { readonly encoding: EncodingName; readonly mark: number } {
  const [first, second, third] = bytes;
  if (first === 0xff && second === 0xfe) return { encoding: "utf-16le", mark: 2 };
  if (first === 0xfe && second === 0xff) return { encoding: "utf-16be", mark: 2 };
  return { encoding: "utf-8", mark: first === 0xef && second === 0xbb && third === 0xbf ? 3 : 0 };
}

/** What Windows-1252 has in the places 0x80 to 0x9f, where Latin-1 has control characters. */
const windows = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

/** Decodes a file piece by piece. Throws HebbError that names the file for bytes that mean nothing in the encoding. */
export class TextReader {
  readonly encoding: EncodingName;
  readonly #name: string;
  readonly #decoder: TextDecoder;

  constructor(encoding: EncodingName, name: string) {
    this.encoding = encoding;
    this.#name = name;
    this.#decoder = new TextDecoder(encoding, { fatal: true });
  }

  /** The text of these bytes; a character that they cut in two comes with the next ones. */
  read(bytes: Uint8Array, last = false): string {
    try {
      const text = this.#decoder.decode(bytes, { stream: !last });
      // Engines differ in those places; the table is the standard's.
      return this.encoding === "latin1"
        ? text.replace(/[\u0080-\u009f]/g, (char) => windows[char.charCodeAt(0) - 0x80] ?? char)
        : text;
    } catch {
      throw new HebbError(
        `${this.#name} is not ${this.encoding.toUpperCase()} text: it holds bytes that are not valid in that encoding; save it as UTF-8${this.encoding === "utf-8" ? ' (a program can name another encoding: "latin1", "utf-16le", "utf-16be")' : ""}, or check that it is the right file`,
      );
    }
  }
}

/** How many of these bytes are whole characters: at their end, one may be cut in two. */
export function wholeCharacters(bytes: Uint8Array, encoding: EncodingName): number {
  const { length } = bytes;
  if (encoding === "latin1") return length;
  if (encoding !== "utf-8") {
    const even = length - (length % 2);
    const high = even < 2 ? 0 : (bytes[encoding === "utf-16le" ? even - 1 : even - 2] ?? 0);
    return high >= 0xd8 && high < 0xdc ? even - 2 : even;
  }
  for (let back = 1; back <= Math.min(4, length); back++) {
    const byte = bytes[length - back] ?? 0;
    if (byte < 0x80) return length;
    // A leading byte says how many belong together.
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? length - back : length;
  }
  return length;
}

/** Bytes that a text takes. */
export function bytesOf(text: string, encoding: EncodingName): number {
  if (encoding === "latin1") return text.length;
  return encoding === "utf-8" ? new TextEncoder().encode(text).byteLength : 2 * text.length;
}

const pieceBytes = 1 << 22;

/** The text of bytes in pieces, without its byte order mark. No piece is longer than 4 Mi characters. */
export function* textPieces(bytes: Uint8Array, name: string, encoding?: EncodingName): Generator<string, void, void> {
  const found = encodingOf(bytes);
  const reader = new TextReader(encoding ?? found.encoding, name);
  for (let at = 0; at < bytes.byteLength || at === 0; at += pieceBytes) {
    const text = reader.read(bytes.subarray(at, at + pieceBytes), at + pieceBytes >= bytes.byteLength);
    yield at === 0 ? text.replace(/^\uFEFF/, "") : text;
  }
}

/** The longest text that engines hold in one string. */
const longestText = 2 ** 29 - 64;

/**
 * Text from bytes: UTF-8 (with or without a byte order mark), or UTF-16 with one, or the encoding that is named.
 * Throws HebbError for bytes of another, and for more than 2^29 characters.
 */
export function decodeText(source: FileBytes, name: string, encoding?: EncodingName): string {
  const bytes = asBytes(source, "decodeText");
  if (encoding !== undefined) checkKind("decodeText", "encoding", encoding, kind.oneOf(...encodingNames));
  let text = "";
  for (const piece of textPieces(bytes, name, encoding)) {
    if (text.length + piece.length > longestText)
      throw new HebbError(`${name} holds more than ${longestText} characters, too many for one text; split it`);
    text += piece;
  }
  return text;
}
