// What a hostile file is: what lies in its folder, and which words its refusal has.

export interface Hostile {
  readonly name: string;
  /** The file that is opened; "" is the folder itself. */
  readonly open?: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Symbolic links, and where they lead from the folder. */
  readonly links?: Readonly<Record<string, string>>;
  readonly says: RegExp;
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

export const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** A hostile file that stands alone. */
export const one = (name: string, bytes: Uint8Array, says: RegExp = /./): Hostile => ({
  name,
  open: "file",
  files: { file: bytes },
  says,
});

/** A good file that ends early, at each of these shares of it and before its last byte. */
export const truncated = (name: string, bytes: Uint8Array, ...ends: readonly number[]): Hostile[] =>
  [...ends, bytes.length - 1].map((end) => one(`${name}, ${end} bytes of ${bytes.length}`, bytes.subarray(0, end)));

/** Numbers of 8, 4 and 2 bytes, the lowest first. */
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

/** A copy with a few bytes in the place of others. */
export function patched(bytes: Uint8Array, at: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(joined(...parts), at < 0 ? copy.length + at : at);
  return copy;
}
