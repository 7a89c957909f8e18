// Finds kernels that differ only in their buffers, as in the layers of a deep network: emitters write each form once.
import { indexRange } from "../../compiler/indexing.ts";
import type { BufferInfo, Kernel, Program, Statement } from "../../compiler/kernel.ts";
import { moveBuffers, plainKernels, visitKernel, visitStores } from "../../compiler/lower.ts";
import { type Axis, type Local, operandsOf, type Scalar } from "../../graph/scalar.ts";

/** The place of a form's buffer in the program: an offset in elements into one of its buffers. */
interface FormOperand {
  readonly buffer: number;
  readonly start: number;
}

/** A kernel with its own buffer numbers, from 0. */
export interface KernelForm {
  readonly kernel: Kernel;
  readonly buffers: readonly BufferInfo[];
}

export interface FormedKernel {
  readonly form: KernelForm;
  readonly operands: readonly FormOperand[];
}

/** For each kernel, those of loops included, its form, the same object for kernels of the same form. */
export function formsOf(program: Program): FormedKernel[] {
  const known = new Map<string, KernelForm>();
  return plainKernels(program.kernels).map((kernel): FormedKernel => {
    const places = placesIn(kernel, program);
    const moved = new Map(places.map(({ buffer, start }, id) => [buffer, { buffer: id, start: -start }]));
    const own = moveBuffers(kernel, moved);
    const buffers = places.map(({ buffer, length }, id): BufferInfo => {
      const { name, dtype } = program.buffers[buffer] as BufferInfo;
      return { id, name, dtype, length, placement: { kind: "argument", slot: id } };
    });
    const key = new FormKey().of(own, buffers);
    const form = known.get(key) ?? { kernel: own, buffers };
    known.set(key, form);
    return { form, operands: places };
  });
}

interface Reach {
  low: number;
  high: number;
}

/** The part of each buffer that a kernel reaches, in the order in which it names them. */
function placesIn(kernel: Kernel, program: Program): (FormOperand & { readonly length: number })[] {
  const reached = new Map<number, Reach>();
  const reach = (buffer: number, index: Scalar): void => {
    const { min, max } = indexRange(index);
    const known = reached.get(buffer);
    if (known === undefined) reached.set(buffer, { low: min, high: max });
    else {
      known.low = Math.min(known.low, min);
      known.high = Math.max(known.high, max);
    }
  };
  visitKernel(kernel, (scalar) => {
    if (scalar.kind === "load") reach(scalar.buffer, scalar.index);
  });
  visitStores(kernel, ({ buffer, index }) => reach(buffer, index));
  return [...reached].map(([buffer, { low, high }]) => {
    const { length } = program.buffers[buffer] as BufferInfo;
    // An index that may leave the buffer, under a condition that does not hold, is checked against its length: the form keeps it all.
    const within = low >= 0 && high < length;
    return within ? { buffer, start: low, length: high - low + 1 } : { buffer, start: 0, length };
  });
}

/** Text that is equal for equal kernels, whatever the numbers of their axes and locals. */
class FormKey {
  readonly #parts: string[] = [];
  readonly #numbers = new Map<Scalar, number>();
  readonly #numberOf = new Map<string, number>();
  readonly #bound = new Map<number, number>();

  of(kernel: Kernel, buffers: readonly BufferInfo[]): string {
    this.#parts.push(buffers.map(({ dtype, length }) => `${dtype}${length}`).join());
    if (kernel.kind === "contraction") {
      const { dtype, batch, m, n, k, a, b, result, epilogue } = kernel;
      const axes = [batch, m, n, k].map((list) => this.#axes(list)).join("|");
      this.#parts.push(`contraction ${dtype} ${axes} ${this.#scalar(a)} ${this.#scalar(b)} ${this.#name(result)}`);
      this.#statements(epilogue);
    } else {
      this.#parts.push(`loops ${this.#axes(kernel.axes)}`);
      this.#statements(kernel.body);
    }
    return this.#parts.join(";");
  }

  #statements(body: readonly Statement[]): void {
    for (const statement of body) this.#statement(statement);
  }

  #statement(statement: Statement): void {
    const parts = this.#parts;
    switch (statement.kind) {
      case "let":
        parts.push(`let ${this.#name(statement.local)} ${this.#scalar(statement.value)}`);
        break;
      case "reduce": {
        const { combine, axes, local, value } = statement;
        const sums = statement.parts ? "of sums " : "";
        parts.push(`${combine} ${sums}${this.#axes(axes)} ${this.#name(local)} ${this.#scalar(value)}`);
        break;
      }
      case "for":
        parts.push(`for ${statement.order} ${this.#axes(statement.axes)} {`);
        this.#statements(statement.body);
        parts.push("}");
        break;
      case "store": {
        const { buffer, index, value, accumulate } = statement;
        parts.push(`${accumulate ? "add" : "store"} ${buffer} ${this.#scalar(index)} ${this.#scalar(value)}`);
        break;
      }
      case "scan": {
        const { combine, axis, buffer, index, value } = statement;
        parts.push(`scan ${combine} ${this.#axes([axis])} ${buffer} ${this.#scalar(index)} ${this.#scalar(value)}`);
        break;
      }
      case "check": {
        const { site, holds, axes, index, place, extent } = statement;
        const values = [holds, index, place].map((part) => this.#scalar(part));
        parts.push(`check ${site} ${this.#axes(axes)} ${values} <${extent}`);
        break;
      }
    }
  }

  #axes(axes: readonly Axis[]): string {
    return axes.map((axis) => `${this.#number(axis.id)}<${axis.extent}`).join();
  }

  #name({ id, dtype }: Local): string {
    return `${this.#number(id)}:${dtype}`;
  }

  #number(id: number): number {
    const known = this.#bound.get(id) ?? this.#bound.size;
    this.#bound.set(id, known);
    return known;
  }

  /** The number of an expression, whose parts are written out the first time. */
  #scalar(x: Scalar): number {
    const known = this.#numbers.get(x);
    if (known !== undefined) return known;
    const text = `${this.#head(x)}(${operandsOf(x).map((operand) => this.#scalar(operand))})`;
    let number = this.#numberOf.get(text);
    if (number === undefined) {
      number = this.#numberOf.size;
      this.#numberOf.set(text, number);
      this.#parts.push(text);
    }
    this.#numbers.set(x, number);
    return number;
  }

  #head(x: Scalar): string {
    switch (x.kind) {
      case "const":
        return `${x.dtype}:${Object.is(x.value, -0) ? "-0" : x.value}`;
      case "axis":
        return `i${this.#number(x.axis.id)}<${x.axis.extent}`;
      case "local":
        return `l${this.#number(x.local.id)}`;
      case "load":
        return `b${x.buffer}`;
      case "unary":
      case "binary":
        return x.fn;
      case "select":
        return x.kind;
      case "cast":
      case "bitcast":
        return `${x.kind}:${x.dtype}`;
      case "guard":
        return `guard<${x.extent}`;
    }
  }
}
