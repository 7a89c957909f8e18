// What each argument slot of a program must hold at least, in bytes.
import type { BufferInfo, Program } from "../../compiler/kernel.ts";
import { byteSize } from "../../graph/dtype.ts";

export function argumentBytes(program: Program): number[] {
  const bytes = new Array<number>(program.argumentCount).fill(0);
  const need = ({ placement, length, dtype }: BufferInfo): void => {
    if (placement.kind === "argument")
      bytes[placement.slot] = Math.max(bytes[placement.slot] ?? 0, length * byteSize(dtype));
  };
  program.buffers.forEach(need);
  return bytes;
}
