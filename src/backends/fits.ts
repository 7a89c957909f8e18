// Checks shared by all devices: invalid sizes, values that do not fit their blocks, freed blocks, and wrong numbers of blocks.
import { byteSize, type ElementType } from "../graph/dtype.ts";
import { HebbError, InternalError } from "../graph/errors.ts";
import type { Block } from "./backend.ts";

export function mustBeSize(bytes: number): void {
  if (!Number.isSafeInteger(bytes) || bytes < 0)
    throw new HebbError(`cannot allocate ${bytes} bytes; ask for a whole number`);
}

export function mustFit(bytes: number, block: Block): void {
  if (bytes > block.bytes) throw new InternalError(`${bytes} bytes do not fit a block of ${block.bytes}`);
}

/** Checks that this many elements fit, from the first of the block on. */
export function elementsMustFit(length: number, dtype: ElementType, block: Block): void {
  if (length * byteSize(dtype) > block.bytes)
    throw new InternalError(`${length} ${dtype} elements do not fit a block of ${block.bytes} bytes`);
}

export const gone = ({ address }: Block): InternalError =>
  new InternalError(`block ${address} was freed or belongs to another device`);

export function mustBeGiven(wanted: number, given: number, { name }: { readonly name: string }): void {
  if (given !== wanted) throw new InternalError(`${name} takes ${wanted} blocks, not ${given}`);
}
