// The numbers of a packed list of varints.
import { HebbError } from "../../graph/errors.ts";

/** Each number as an int64. An unterminated number is refused. */
export function* varints(bytes: Uint8Array, where: string): Generator<bigint> {
  let value = 0n;
  let small = 0;
  let shift = 0;
  for (const byte of bytes) {
    if (shift < 28) small |= (byte & 127) << shift;
    else value |= BigInt(byte & 127) << BigInt(shift);
    shift += 7;
    if (byte < 128) {
      yield BigInt.asIntN(64, value | BigInt(small));
      value = 0n;
      small = 0;
      shift = 0;
    } else if (shift >= 70) throw new HebbError(`${where}: a number has more than 10 bytes; the file is damaged`);
  }
  if (shift > 0) throw new HebbError(`${where}: the last number is cut off; the file is truncated`);
}
