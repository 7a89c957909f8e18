// Recognises an ONNX model by its first bytes.

/** The fields of a ModelProto and their wire types: 0 a number, 2 bytes. */
const modelFields: ReadonlyMap<number, number> = new Map([
  [1, 0],
  [2, 2],
  [3, 2],
  [4, 2],
  [5, 0],
  [6, 2],
  [7, 2],
  [8, 2],
  [14, 2],
  [20, 2],
  [25, 2],
]);

/** Whether the first bytes of a file are consecutive fields of a model. Such a file has no magic number. */
export function looksLikeModel(head: Uint8Array, size: number): boolean {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 49; shift += 7) {
      const byte = head[at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    return Number.NaN;
  };
  const seen = new Set<number>();
  let version = 0;
  while (at < head.length) {
    const tag = varint();
    const field = tag >>> 3;
    if (Number.isNaN(tag) || modelFields.get(field) !== (tag & 7)) return false;
    seen.add(field);
    const value = varint();
    if (field === 1) version = value;
    if ((tag & 7) === 0) continue;
    // A truncated file still counts if the version came first.
    if (!(at + value <= size)) return version > 0 && version < 1000;
    at += value;
  }
  return seen.has(1)
    ? version > 0 && version < 1000 && seen.size > 1
    : seen.has(7) && (seen.has(8) || at > head.length);
}
