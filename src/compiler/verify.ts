// Checks a program before any backend sees it: a broken promise must stop here, not become a wrong number.
import { byteSize } from "../graph/dtype.ts";
import { InternalError } from "../graph/errors.ts";
import type { Local } from "../graph/scalar.ts";
import { visitScalar } from "./indexing.ts";
import type { Program, Statement } from "./kernel.ts";
import { loadedBuffers, storedBuffers, visitKernel } from "./lower.ts";

/** Throws InternalError when a buffer is read before it is written, lies outside the arena, or a local is unbound. */
export function verify(program: Program): void {
  const written = new Set<number>();
  for (const buffer of program.buffers) {
    if (buffer.placement.kind === "argument") written.add(buffer.id);
    else if (
      buffer.placement.byteOffset + buffer.length * byteSize(buffer.dtype) > Math.max(program.arenaBytes, 64) &&
      buffer.length > 0
    ) {
      // A buffer nobody touches keeps offset 0 and is never addressed.
      if (program.kernels.some((kernel) => storedBuffers(kernel).has(buffer.id))) {
        throw new InternalError(
          `buffer ${buffer.id} (${buffer.name}) reaches past the arena of ${program.arenaBytes} bytes`,
        );
      }
    }
  }
  for (const kernel of program.kernels) {
    const stored = storedBuffers(kernel);
    for (const id of loadedBuffers(kernel)) {
      if (!written.has(id) && !stored.has(id))
        throw new InternalError(`kernel ${kernel.name} reads buffer ${id} before it is written`);
    }
    visitKernel(kernel, (scalar) => {
      if (scalar.kind === "load" && program.buffers[scalar.buffer]?.dtype !== scalar.dtype) {
        throw new InternalError(`kernel ${kernel.name} loads buffer ${scalar.buffer} as ${scalar.dtype}`);
      }
    });
    if (kernel.kind === "loops") checkLocals(kernel.name, kernel.body, new Set());
    else checkLocals(kernel.name, kernel.epilogue, new Set([kernel.result]));
    for (const id of stored) written.add(id);
  }
}

function checkLocals(kernel: string, body: readonly Statement[], outer: ReadonlySet<Local>): void {
  const bound = new Set(outer);
  const check = (value: Parameters<typeof visitScalar>[0]): void =>
    visitScalar(value, (scalar) => {
      if (scalar.kind === "local" && !bound.has(scalar.local))
        throw new InternalError(`kernel ${kernel} reads local ${scalar.local.id} before it is bound`);
    });
  for (const statement of body) {
    switch (statement.kind) {
      case "let":
      case "reduce":
        check(statement.value);
        bound.add(statement.local);
        break;
      case "for":
        checkLocals(kernel, statement.body, bound);
        break;
      case "store":
      case "scan":
        check(statement.index);
        check(statement.value);
        break;
      case "check":
        check(statement.holds);
        check(statement.index);
        check(statement.place);
        break;
    }
  }
}
