// The header of a GGUF file, read value by value.
import { HebbError } from "../../graph/errors.ts";

/** The given bytes end within the header: more are needed, or the file is truncated. */
export class Ended extends Error {}

/** Bytes of a value, by type code; texts and lists have no fixed size. */
const widths: readonly (number | undefined)[] = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8];
const typeNames = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "bool", "string", "array"];
const [textType, listType] = [8, 9];
/** Longer lists are summarised by their length. */
const mostShown = 16;
const maxDepth = 4;

export class HeaderReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #file: string;
  at = 0;

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#file = file;
  }

  #take(length: number): number {
    const from = this.at;
    if (!(from + length <= this.#bytes.length)) throw new Ended();
    this.at += length;
    return from;
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A size or a count. Values beyond 2⁵³ exceed any file. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true));
  }

  /** Checks the magic number and returns the version. */
  start(): number {
    const magic = this.u32();
    if (magic !== 0x46554747)
      throw new HebbError(`${this.#file} does not start with GGUF; check that it is the right file`);
    const version = this.u32();
    if (version !== 0 && version % 65536 === 0)
      throw new HebbError(`${this.#file} is big-endian; convert it with gguf_convert_endian.py of llama.cpp`);
    return version;
  }

  #length(): number {
    const length = this.u64();
    if (length > 2 ** 32)
      throw new HebbError(`${this.#file} has a text or a list of length ${length} in its header; it is damaged`);
    return length;
  }

  text(): string {
    const length = this.#length();
    const from = this.#take(length);
    return new TextDecoder().decode(this.#bytes.subarray(from, from + length));
  }

  /** One value of metadata, as text. */
  value(): string {
    return this.#typed(this.u32(), 0);
  }

  #typed(type: number, depth: number): string {
    if (type === textType) return this.text();
    if (type === listType) return this.#list(depth);
    return this.#scalar(type);
  }

  #width(type: number): number {
    const width = widths[type];
    if (width === undefined)
      throw new HebbError(`${this.#file} has metadata of the unknown type ${type}; it is damaged, or newer`);
    return width;
  }

  #scalar(type: number): string {
    const at = this.#take(this.#width(type));
    const view = this.#view;
    switch (type) {
      case 0:
        return String(view.getUint8(at));
      case 1:
        return String(view.getInt8(at));
      case 2:
        return String(view.getUint16(at, true));
      case 3:
        return String(view.getInt16(at, true));
      case 4:
        return String(view.getUint32(at, true));
      case 5:
        return String(view.getInt32(at, true));
      case 6:
        return String(Number(view.getFloat32(at, true).toPrecision(8)));
      case 7:
        return view.getUint8(at) === 0 ? "false" : "true";
      case 10:
        return String(view.getBigUint64(at, true));
      case 11:
        return String(view.getBigInt64(at, true));
      default:
        return String(view.getFloat64(at, true));
    }
  }

  #list(depth: number): string {
    if (depth >= maxDepth)
      throw new HebbError(`${this.#file} has lists in lists, more than ${maxDepth} deep; it is damaged`);
    const type = this.u32();
    const length = this.#length();
    if (length <= mostShown) return `[${Array.from({ length }, () => this.#typed(type, depth + 1)).join(", ")}]`;
    if (type === textType) for (let i = 0; i < length; i++) this.#take(this.#length());
    else if (type === listType) for (let i = 0; i < length; i++) this.#list(depth + 1);
    else this.#take(length * this.#width(type));
    return `${length} values of type ${typeNames[type] ?? type}`;
  }
}
