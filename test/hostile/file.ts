// The type of a hostile file: the contents of its folder, and the words of its refusal.

export interface Hostile {
  readonly name: string;
  /** The file to open; "" is the folder itself. */
  readonly open?: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Symbolic links and their targets, relative to the folder. */
  readonly links?: Readonly<Record<string, string>>;
  readonly says: RegExp;
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

export const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** A single hostile file. */
export const one = (name: string, bytes: Uint8Array, says: RegExp = /./): Hostile => ({
  name,
  open: "file",
  files: { file: bytes },
  says,
});

/** A good file, truncated at each of these shares of its length and before its last byte. */
export const truncated = (name: string, bytes: Uint8Array, ...ends: readonly number[]): Hostile[] =>
  [...ends, bytes.length - 1].map((end) => one(`${name}, ${end} bytes of ${bytes.length}`, bytes.subarray(0, end)));

/** Numbers of 8, 4 and 2 bytes, little-endian. */
export function u64(value: number | bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
  return out;
}
export function u32(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value, true);
  return out;
}
export function u16(value: number): Uint8Array {
  const out = new Uint8Array(2);
  new DataView(out.buffer).setUint16(0, value, true);
  return out;
}

/** A copy with a few bytes replaced. */
export function patched(bytes: Uint8Array, at: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(joined(...parts), at < 0 ? copy.length + at : at);
  return copy;
}
