// A text whose tokens stay in its file: split into short pieces, which are read on demand (Node only).
import { at } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";
import { bytesOf } from "./encoding.ts";
import { PieceReader, type SeenFile } from "./pieceReader.ts";
import type { TokenReader, Vocabulary } from "./text.ts";

/** The cuts of a text: each piece alone has the same tokens as within the whole. Plain JSON. */
export interface TextCuts {
  /** The byte offset of the text in the file. */
  readonly start: number;
  /** The numbers of bytes and tokens in each piece. */
  readonly bytes: readonly number[];
  readonly tokens: readonly number[];
}

/** Characters of a piece, and the distance to search beyond them for a better cut. */
const usualLength = 2048;
/** Cuts to try before giving up. */
const mostTries = 8;

const isSpace = (character: string | undefined): boolean => character === undefined || /\s/.test(character);

/** Possible cuts after `from`: between lines or words if any are near, else at that distance, or at the end of the text. */
function* placesToCut(text: string, from: number): Generator<number> {
  const wanted = from + usualLength;
  for (let place = wanted; place < Math.min(text.length, wanted + usualLength); place++) {
    const line = text[place - 1] === "\n" && !isSpace(text[place]);
    const word = text[place] === " " && !isSpace(text[place - 1]) && !isSpace(text[place + 1]);
    if (line || word) yield place;
  }
  // Not between the two halves of a surrogate pair.
  const half = (text.charCodeAt(wanted) & 0xfc00) === 0xdc00;
  if (wanted < text.length) yield half ? wanted + 1 : wanted;
  else yield text.length;
}

/** Cuts a text with these tokens; undefined if its vocabulary gives the pieces other tokens. */
export function cutsOf(
  text: string,
  tokens: Int32Array,
  vocabulary: Pick<Vocabulary, "encode">,
  start: number,
): TextCuts | undefined {
  const cuts = { start, bytes: [] as number[], tokens: [] as number[] };
  let done = 0;
  for (let from = 0; from < text.length; ) {
    let end: number | undefined;
    let tries = 0;
    for (const place of placesToCut(text, from)) {
      const piece = text.slice(from, place);
      const own = vocabulary.encode(piece);
      if (own.every((token, at) => token === tokens[done + at])) {
        cuts.bytes.push(bytesOf(piece, "utf-8"));
        cuts.tokens.push(own.length);
        done += own.length;
        end = place;
        break;
      }
      if (++tries === mostTries) break;
    }
    if (end === undefined) return undefined;
    from = end;
  }
  return done === tokens.length ? cuts : undefined;
}

/** The start of each piece, and the end of the last. */
function placesOf(lengths: readonly number[], start: number): Float64Array {
  const places = new Float64Array(lengths.length + 1);
  places[0] = start;
  for (const [piece, length] of lengths.entries()) places[piece + 1] = at(places, piece) + length;
  return places;
}

/** The piece that contains this token. */
function pieceOf(places: Float64Array, token: number): number {
  let [low, high] = [0, places.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (at(places, middle) <= token) low = middle;
    else high = middle;
  }
  return low;
}

/** Reads the tokens of a file with these cuts. */
export function tokensOfFile(file: SeenFile, cuts: TextCuts, vocabulary: Pick<Vocabulary, "encode">): TokenReader {
  const reader = new PieceReader(file);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const tokenPlaces = placesOf(cuts.tokens, 0);
  const bytePlaces = placesOf(cuts.bytes, cuts.start);
  const read = (starts: ArrayLike<number>, count: number): Int32Array => {
    const wanted = new Map<number, Int32Array>();
    for (const start of Array.from(starts)) {
      const last = pieceOf(tokenPlaces, start + count - 1);
      for (let piece = pieceOf(tokenPlaces, start); piece <= last; piece++) wanted.set(piece, new Int32Array());
    }
    const pieces = [...wanted.keys()];
    let next = 0;
    const places = pieces.map((piece): [number, number] => [at(bytePlaces, piece), at(cuts.bytes, piece)]);
    reader.read(places, (bytes) => {
      const piece = at(pieces, next++);
      const own = vocabulary.encode(decoder.decode(bytes));
      // With fewer tokens, a window would never fill.
      if (own.length !== at(cuts.tokens, piece))
        throw new HebbError(`${file.path} is not the text that was cut; give all ranks the same file`);
      wanted.set(piece, own);
    });
    const out = new Int32Array(starts.length * count);
    for (let run = 0; run < starts.length; run++) {
      const start = at(starts, run);
      for (let done = 0; done < count; ) {
        const piece = pieceOf(tokenPlaces, start + done);
        const from = start + done - at(tokenPlaces, piece);
        const own = (wanted.get(piece) ?? new Int32Array()).subarray(from, from + count - done);
        out.set(own, run * count + done);
        done += own.length;
      }
    }
    return out;
  };
  return { length: tokenPlaces.at(-1) ?? 0, read };
}
