// Checks a program before any backend sees it: a violated invariant fails here instead of becoming a wrong number.
import { byteSize } from "../graph/dtype.ts";
import { InternalError } from "../graph/errors.ts";
import type { Local, Scalar } from "../graph/scalar.ts";
import { verifyCoverage } from "./coverage.ts";
import { visitScalar } from "./indexing.ts";
import type { BufferInfo, Kernel, Program, Repeat, Statement } from "./kernel.ts";
import { loadedBuffers, storedBuffers, visitStatements } from "./lower.ts";

/**
 * Throws an InternalError if a buffer, or a part of it, is read before it is written or with another dtype, if one lies outside the
 * arena, if two live ones share bytes, or if a local is unbound.
 */
export function verify(program: Program): void {
  const written = new Set<number>();
  for (const { id, placement } of program.buffers) if (placement.kind === "argument") written.add(id);
  for (const kernel of program.kernels) {
    const stored = storedBuffers(kernel);
    for (const id of loadedBuffers(kernel)) {
      if (!written.has(id) && !stored.has(id))
        throw new InternalError(`kernel ${kernel.name} reads buffer ${id} before it is written`);
    }
    if (kernel.kind === "repeat") verifyRepeat(kernel, program);
    else verifyKernel(kernel, program);
    for (const id of stored) written.add(id);
  }
  verifyCoverage(program);
  verifyArena(program);
}

/** The rows of a loop's windows must lie in their buffers. The body itself was verified when it was compiled. */
function verifyRepeat({ name, steps, windows, body }: Repeat, program: Program): void {
  for (const { buffer, whole, start, shift, rows = steps + shift } of windows) {
    const [row, all] = [program.buffers[buffer], program.buffers[whole]];
    if (row?.placement.kind !== "window" || row.dtype !== all?.dtype || start + rows * row.length > all.length)
      throw new InternalError(`loop ${name} reads beyond the rows of buffer ${whole}`);
  }
  for (const kernel of body) if (kernel.kind === "repeat") verifyRepeat(kernel, program);
}

function verifyKernel(kernel: Kernel, { buffers }: Program): void {
  const check = (value: Scalar, bound: ReadonlySet<Local>, seen: Set<Scalar>): void =>
    visitScalar(
      value,
      (scalar) => {
        if (scalar.kind === "local" && !bound.has(scalar.local))
          throw new InternalError(`kernel ${kernel.name} reads local ${scalar.local.id} before it is bound`);
        if (scalar.kind === "load" && buffers[scalar.buffer]?.dtype !== scalar.dtype)
          throw new InternalError(`kernel ${kernel.name} loads buffer ${scalar.buffer} as ${scalar.dtype}`);
      },
      seen,
    );
  const checkBody = (body: readonly Statement[], outer: ReadonlySet<Local>): void => {
    const bound = new Set(outer);
    const seen = new Set<Scalar>();
    for (const statement of body) {
      if (statement.kind === "for") checkBody(statement.body, bound);
      else visitStatements([statement], (value) => check(value, bound, seen));
      if (statement.kind === "let" || statement.kind === "reduce") bound.add(statement.local);
    }
  };
  if (kernel.kind === "loops") return checkBody(kernel.body, new Set());
  for (const value of [kernel.a, kernel.b]) check(value, new Set(), new Set());
  checkBody(kernel.epilogue, new Set([kernel.result]));
}

/** A buffer of the arena, from the first kernel that touches it to the last. */
interface Stay {
  readonly buffer: BufferInfo;
  readonly start: number;
  readonly end: number;
  readonly first: number;
  last: number;
}

/** Walks the kernels in order with the byte ranges in use. */
function verifyArena({ buffers, kernels, arenaBytes }: Program): void {
  const stays = new Map<number, Stay>();
  kernels.forEach((kernel, place) => {
    for (const touched of [storedBuffers(kernel), loadedBuffers(kernel)])
      for (const id of touched) {
        const buffer = buffers[id];
        if (buffer?.placement.kind !== "arena" || buffer.length === 0) continue;
        const { byteOffset } = buffer.placement;
        const end = byteOffset + buffer.length * byteSize(buffer.dtype);
        if (end > arenaBytes)
          throw new InternalError(`buffer ${id} (${buffer.name}) reaches past the arena of ${arenaBytes} bytes`);
        const known = stays.get(id);
        if (known === undefined) stays.set(id, { buffer, start: byteOffset, end, first: place, last: place });
        else known.last = place;
      }
  });
  const ending = new Map<number, Stay[]>();
  for (const stay of stays.values()) {
    const others = ending.get(stay.last);
    if (others === undefined) ending.set(stay.last, [stay]);
    else others.push(stay);
  }
  const inUse: Stay[] = [];
  let clock = 0;
  // Lifetimes are recorded at their first kernel.
  for (const stay of stays.values()) {
    for (; clock < stay.first; clock++)
      for (const gone of ending.get(clock) ?? []) inUse.splice(placeOf(inUse, gone), 1);
    const place = placeOf(inUse, stay);
    for (const other of [inUse[place - 1], inUse[place]]) {
      if (other === undefined || other.end <= stay.start || other.start >= stay.end) continue;
      const [a, b] = [stay.buffer, other.buffer];
      throw new InternalError(
        `buffers ${a.id} (${a.name}) and ${b.id} (${b.name}) lie in the same bytes of the arena while kernel ${kernels[stay.first]?.name} runs`,
      );
    }
    inUse.splice(place, 0, stay);
  }
}

/** The number of lifetimes, in sorted order, that begin at lower bytes. */
function placeOf(stays: readonly Stay[], { start }: Stay): number {
  let [low, high] = [0, stays.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((stays[middle]?.start ?? 0) < start) low = middle + 1;
    else high = middle;
  }
  return low;
}
