// The byte inputs that file readers accept: a buffer, as from fetch, or any view of one.
import { HebbError } from "../graph/errors.ts";

/** The bytes of a file: an ArrayBuffer, a SharedArrayBuffer, a typed array, a DataView or a Node Buffer. */
export type FileBytes = ArrayBufferLike | ArrayBufferView;

/** "ArrayBuffer", even if another window or worker made it. */
const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice("[object ".length, -1);

/** The advice for a value that does not hold bytes yet. */
function remedy(value: unknown): string {
  switch (tagOf(value)) {
    case "Response":
    case "Blob":
    case "File":
      return "pass await value.arrayBuffer()";
    case "Promise":
      return "await it first";
    case "String":
      return "read the file first, such as readFileSync(path) in Node";
    default:
      return "pass an ArrayBuffer or a Uint8Array";
  }
}

/**
 * The bytes as a Uint8Array, without a copy unless they are shared. Shared bytes are copied because another thread may change them after
 * the checks. Throws HebbError that names `reader` for anything without bytes.
 */
export function asBytes(value: FileBytes, reader: string): Uint8Array {
  const [buffer, start, length] = ArrayBuffer.isView(value)
    ? [value.buffer, value.byteOffset, value.byteLength]
    : [value, 0, undefined];
  const kind = tagOf(buffer);
  if (kind !== "ArrayBuffer" && kind !== "SharedArrayBuffer")
    throw new HebbError(
      `${reader} takes the bytes of a file, got ${value === null ? "null" : value === undefined ? "undefined" : `a ${tagOf(value)}`}; ${remedy(value)}`,
    );
  const bytes = value instanceof Uint8Array ? value : new Uint8Array(buffer, start, length);
  return kind === "SharedArrayBuffer" ? new Uint8Array(bytes) : bytes;
}
