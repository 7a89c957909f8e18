// LZ4 frames, used by Feather files: blocks of literals and of copies from earlier bytes.
import { at as element } from "../graph/at.ts";
import { HebbError } from "../graph/errors.ts";

const damaged = (what: string): HebbError => new HebbError(`its LZ4 data are damaged: ${what}`);

/** Unpacks a block into `out`, from `at` on; returns the end. */
function unpackBlock(block: Uint8Array, out: Uint8Array, at: number): number {
  let place = 0;
  const next = (): number => {
    const byte = block[place++];
    if (byte === undefined) throw damaged("a block ends too early");
    return byte;
  };
  const lengthOf = (nibble: number): number => {
    let length = nibble;
    if (nibble === 15) for (let more = 255; more === 255; ) length += more = next();
    return length;
  };
  while (place < block.length) {
    const token = next();
    const literals = lengthOf(token >> 4);
    if (place + literals > block.length || at + literals > out.length) throw damaged("it holds too many bytes");
    out.set(block.subarray(place, place + literals), at);
    place += literals;
    at += literals;
    // The last sequence has no copy.
    if (place === block.length) return at;
    const back = next() | (next() << 8);
    const length = lengthOf(token & 15) + 4;
    if (back === 0 || back > at || at + length > out.length) throw damaged("a copy lies outside of it");
    for (let end = at + length; at < end; at++) out[at] = element(out, at - back);
  }
  return at;
}

interface Block {
  readonly plain: boolean;
  readonly bytes: Uint8Array;
}

/** The blocks of a frame, and their maximum unpacked size. */
function blocksOf(bytes: Uint8Array): { readonly blocks: readonly Block[]; readonly most: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 7 || view.getUint32(0, true) !== 0x184d2204) throw damaged("it does not begin as a frame");
  const flags = view.getUint8(4);
  const largest = 2 ** (8 + 2 * ((view.getUint8(5) >> 4) & 7));
  let place = 7 + (flags & 8 ? 8 : 0) + (flags & 1 ? 4 : 0);
  const blocks: Block[] = [];
  while (place + 4 <= bytes.length) {
    const size = view.getUint32(place, true);
    place += 4;
    // A block compresses to no less than 1/255.
    if (size === 0) return { blocks, most: Math.min(blocks.length * largest, 255 * bytes.length + 64) };
    const extent = size & 0x7fffffff;
    if (place + extent > bytes.length) throw damaged("a block ends too early");
    blocks.push({ plain: size >>> 31 === 1, bytes: bytes.subarray(place, place + extent) });
    place += extent + (flags & 16 ? 4 : 0);
  }
  throw damaged("its end is missing");
}

/** The unpacked bytes of a frame. Throws HebbError for damage. Skips checksums. */
export function unpackLz4Frame(bytes: Uint8Array): Uint8Array {
  const { blocks, most } = blocksOf(bytes);
  const out = new Uint8Array(most);
  let at = 0;
  for (const { plain, bytes: block } of blocks) {
    if (!plain) at = unpackBlock(block, out, at);
    else {
      if (at + block.length > most) throw damaged("it holds too many bytes");
      out.set(block, at);
      at += block.length;
    }
  }
  return out.subarray(0, at);
}
