// Bytes to text: UTF-8, UTF-16, Latin-1, selected by a byte order mark or by name, and piece by piece for long files.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind } from "../graph/options.ts";
import { asBytes, type FileBytes } from "./bytes.ts";

/** "latin1" is Windows-1252, the superset that programs mean by that name. */
export const encodingNames = ["utf-8", "utf-16le", "utf-16be", "latin1"] as const;
export type EncodingName = (typeof encodingNames)[number];

export interface FoundEncoding {
  readonly encoding: EncodingName;
  /** The length of the byte order mark. */
  readonly mark: number;
  /** Whether the bytes prove the encoding, as opposed to merely not contradicting it. */
  readonly sure: boolean;
}

/** The encoding, from a byte order mark or from zeros in every other of the first bytes; UTF-8 without either. */
export function encodingOf(bytes: Uint8Array): FoundEncoding {
  const [first, second, third] = bytes;
  if (first === 0xff && second === 0xfe) return { encoding: "utf-16le", mark: 2, sure: true };
  if (first === 0xfe && second === 0xff) return { encoding: "utf-16be", mark: 2, sure: true };
  if (first === 0xef && second === 0xbb && third === 0xbf) return { encoding: "utf-8", mark: 3, sure: true };
  const pairs = Math.min(bytes.length, 4096) >> 1;
  let [even, odd] = [0, 0];
  for (let place = 0; place < 2 * pairs; place += 2) {
    if (bytes[place] === 0) even++;
    if (bytes[place + 1] === 0) odd++;
  }
  // In UTF-16, Latin letters and digits have a zero byte beside them.
  if (2 * odd > pairs && 20 * even < odd) return { encoding: "utf-16le", mark: 0, sure: true };
  if (2 * even > pairs && 20 * odd < even) return { encoding: "utf-16be", mark: 0, sure: true };
  return { encoding: "utf-8", mark: 0, sure: false };
}

/** Windows-1252 characters from 0x80 to 0x9f, where Latin-1 has control characters. */
const windows = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

/** Bytes that no text in Windows-1252 has: control characters and unassigned codes. */
const foreign = (byte: number): boolean =>
  byte < 9 || (byte > 13 && byte < 32) || [0x7f, 0x81, 0x8d, 0x8f, 0x90, 0x9d].includes(byte);

/**
 * Decodes a file piece by piece. An uncertain encoding counts as UTF-8 until the first bytes beyond ASCII are invalid, then as
 * Windows-1252. Throws HebbError that names the file for bytes that are invalid in the encoding.
 */
export class TextReader {
  readonly #name: string;
  #encoding: EncodingName;
  #decoder: TextDecoder;
  #open: boolean;
  /** Bytes of a character split by the end of the last piece. */
  #cut: Uint8Array = new Uint8Array(0);

  constructor(encoding: EncodingName, name: string, sure = true) {
    this.#encoding = encoding;
    this.#name = name;
    this.#decoder = new TextDecoder(encoding, { fatal: true });
    this.#open = !sure && encoding === "utf-8";
  }

  get encoding(): EncodingName {
    return this.#encoding;
  }

  /** The text of these bytes if they are Windows-1252; the rest of the file then is too. */
  #asWindows(bytes: Uint8Array, last: boolean): string | undefined {
    if (!this.#open) return undefined;
    // A character cut by the end of the file is damage, not another encoding.
    const whole = bytes.subarray(0, wholeCharacters(bytes, "utf-8"));
    if (last && whole.length < bytes.length && whole.every((byte) => byte < 0x80)) return undefined;
    const all = new Uint8Array(this.#cut.length + bytes.length);
    all.set(this.#cut);
    all.set(bytes, this.#cut.length);
    if (all.some(foreign)) return undefined;
    // Valid UTF-8 characters before the invalid bytes mean that the file is damaged.
    if (/[^\p{ASCII}\uFFFD]/u.test(new TextDecoder().decode(all))) return undefined;
    const decoder = new TextDecoder("latin1");
    const text = decoder.decode(all, { stream: true });
    [this.#encoding, this.#decoder, this.#open] = ["latin1", decoder, false];
    return text;
  }

  #decode(bytes: Uint8Array, last: boolean): string {
    try {
      const text = this.#decoder.decode(bytes, { stream: !last });
      if (this.#open) {
        this.#cut = bytes.slice(wholeCharacters(bytes, "utf-8"));
        // Beyond ASCII, a character has fewer units than bytes.
        if (text.length < bytes.length - this.#cut.length) this.#open = false;
      }
      return text;
    } catch (error) {
      const text = this.#asWindows(bytes, last);
      if (text === undefined) throw error;
      return text;
    }
  }

  /** The text of these bytes; a character that they cut comes with the next piece. */
  read(bytes: Uint8Array, last = false): string {
    try {
      const text = this.#decode(bytes, last);
      // Engines differ at these codes; the table is the standard's.
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

/** How many of these bytes form whole characters: the last character may be cut. */
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
    // A leading byte gives the length of its character.
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? length - back : length;
  }
  return length;
}

/** The number of bytes that a text takes. */
export function bytesOf(text: string, encoding: EncodingName): number {
  if (encoding === "latin1") return text.length;
  return encoding === "utf-8" ? new TextEncoder().encode(text).byteLength : 2 * text.length;
}

const pieceBytes = 1 << 22;

/** A reader for a file that begins with these bytes, in the given encoding or the detected one. */
export function readerOfText(bytes: Uint8Array, name: string, encoding?: EncodingName): TextReader {
  const found = encodingOf(bytes);
  return new TextReader(encoding ?? found.encoding, name, encoding !== undefined || found.sure);
}

/** The text of bytes in pieces, without the byte order mark. No piece is longer than 4 Mi characters. */
export function* textPieces(bytes: Uint8Array, reader: TextReader): Generator<string, void, void> {
  for (let at = 0; at < bytes.byteLength || at === 0; at += pieceBytes) {
    const text = reader.read(bytes.subarray(at, at + pieceBytes), at + pieceBytes >= bytes.byteLength);
    yield at === 0 ? text.replace(/^\uFEFF/, "") : text;
  }
}

/** The longest string that engines support. */
const longestText = 2 ** 29 - 64;

/**
 * Text from bytes: UTF-8 or UTF-16 (with or without a byte order mark), else Windows-1252, or the given encoding.
 * Throws HebbError for bytes of another encoding, and for more than 2^29 characters.
 */
export const decodeText = (source: FileBytes, name: string, encoding?: EncodingName): string =>
  decoded(source, name, encoding).text;

/** As above, with the detected encoding. */
export function decoded(
  source: FileBytes,
  name: string,
  encoding?: EncodingName,
): { readonly text: string; readonly encoding: EncodingName } {
  const bytes = asBytes(source, "decodeText");
  if (encoding !== undefined) checkKind("decodeText", "encoding", encoding, kind.oneOf(...encodingNames));
  let text = "";
  const reader = readerOfText(bytes, name, encoding);
  for (const piece of textPieces(bytes, reader)) {
    if (text.length + piece.length > longestText)
      throw new HebbError(`${name} holds more than ${longestText} characters, too many for one text; split it`);
    text += piece;
  }
  return { text, encoding: reader.encoding };
}
