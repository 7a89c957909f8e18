// The argument table of a program: what each slot must hold, and where every buffer begins.
import type { BufferInfo, Placement, Program } from "../../compiler/kernel.ts";
import { byteSize } from "../../graph/dtype.ts";

/** What each argument slot must hold at least, in bytes. */
export function argumentBytes(program: Program): number[] {
  const bytes = new Array<number>(program.argumentCount).fill(0);
  const need = ({ placement, length, dtype }: BufferInfo): void => {
    if (placement.kind === "argument")
      bytes[placement.slot] = Math.max(bytes[placement.slot] ?? 0, length * byteSize(dtype));
  };
  program.buffers.forEach(need);
  return bytes;
}

/** Slots of the table after the arguments: the arena, the shared scratch, then the scratch of each thread. */
export interface TableSlots {
  readonly arena: number;
  readonly shared: number;
  readonly scratch: number;
}

export const tableSlots = ({ argumentCount }: Program): TableSlots => ({
  arena: argumentCount,
  shared: argumentCount + 1,
  scratch: argumentCount + 2,
});

/** An offset from the address in a slot of the table. */
export interface Base {
  readonly slot: number;
  readonly byteOffset: number;
}

/** Where a buffer begins. */
export function baseOf(placement: Placement, slots: TableSlots): Base {
  return placement.kind === "argument"
    ? { slot: placement.slot, byteOffset: 0 }
    : { slot: slots.arena, byteOffset: placement.byteOffset };
}

/** How a program divides the workspace: its arena, the scratch that all threads share, and the scratch of each thread. */
export interface WorkspaceLayout {
  readonly shared: number;
  readonly scratch: number;
  readonly perThread: number;
  readonly bytes: number;
}

/** Cache lines apart, so that no two threads write to one. */
const alignment = 64;
const alignUp = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

export function workspaceLayout(
  program: Program,
  scratch: { readonly sharedBytes: number; readonly scratchBytes: number },
  threads: number,
): WorkspaceLayout {
  const shared = alignUp(program.arenaBytes);
  const own = shared + alignUp(scratch.sharedBytes);
  const perThread = alignUp(scratch.scratchBytes);
  return { shared, scratch: own, perThread, bytes: own + perThread * threads };
}
