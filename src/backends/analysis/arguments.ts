// The argument table of a program: what each slot must hold, and the offset of every buffer.
import type { BufferInfo, Placement, Program, Repeat } from "../../compiler/kernel.ts";
import { at } from "../../graph/at.ts";
import { byteSize } from "../../graph/dtype.ts";

/** What each argument slot must hold at least, in bytes. */
export function argumentBytes(program: Program): number[] {
  const bytes = new Array<number>(program.argumentCount).fill(0);
  const need = ({ placement, length, dtype }: BufferInfo): void => {
    if (placement.kind === "argument")
      bytes[placement.slot] = Math.max(at(bytes, placement.slot), length * byteSize(dtype));
  };
  program.buffers.forEach(need);
  return bytes;
}

/** Slots of the table after the arguments: the windows of loops, the arena, the shared scratch, then the scratch of each thread. */
export interface TableSlots {
  readonly windows: number;
  readonly arena: number;
  readonly shared: number;
  readonly scratch: number;
}

export const tableSlots = ({ argumentCount, windowCount }: Program): TableSlots => ({
  windows: argumentCount,
  arena: argumentCount + windowCount,
  shared: argumentCount + windowCount + 1,
  scratch: argumentCount + windowCount + 2,
});

/** An offset from the address in a slot of the table. */
export interface Base {
  readonly slot: number;
  readonly byteOffset: number;
}

/** Where a buffer begins. */
export function baseOf(placement: Placement, slots: TableSlots): Base {
  switch (placement.kind) {
    case "argument":
      return { slot: placement.slot, byteOffset: 0 };
    case "window":
      return { slot: slots.windows + placement.slot, byteOffset: 0 };
    case "arena":
      return { slot: slots.arena, byteOffset: placement.byteOffset };
  }
}

/** A slot of the table that a loop sets at each step: `first` and as many rows further as `row` counts. */
export interface MovingSlot {
  readonly slot: number;
  readonly first: Base;
  readonly rowBytes: number;
  readonly shift: 0 | 1;
  /** Rows in turn; left out: one for each step. */
  readonly rows: number | undefined;
}

/** What a loop sets at each step, in order: a window of a window comes after it. */
export function movingSlots({ windows }: Repeat, program: Program): MovingSlot[] {
  const slots = tableSlots(program);
  return windows.map(({ buffer, whole, start, shift, rows }) => {
    const [row, all] = [at(program.buffers, buffer), at(program.buffers, whole)];
    const { slot, byteOffset } = baseOf(all.placement, slots);
    return {
      slot: baseOf(row.placement, slots).slot,
      first: { slot, byteOffset: byteOffset + start * byteSize(all.dtype) },
      rowBytes: row.length * byteSize(row.dtype),
      shift,
      rows,
    };
  });
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
