// Prints a program of the kernel language for people to read.
import type { BufferInfo, Kernel, Program, Statement } from "./kernel.ts";
import { shortName } from "../graph/dtype.ts";
import { unreachable } from "../graph/errors.ts";
import type { Axis, Scalar } from "../graph/scalar.ts";

/** Buffers first, then every kernel with its loops. Axes and locals are numbered from 0 in each kernel. */
export function printProgram(program: Program): string {
  const lines = [`program ${program.name}: ${program.argumentCount} arguments, arena of ${program.arenaBytes} bytes`];
  for (const buffer of program.buffers) lines.push(`  ${describeBuffer(buffer)}`);
  for (const kernel of program.kernels) lines.push(...new Lister(program).kernel(kernel));
  return `${lines.join("\n")}\n`;
}

function describeBuffer({ id, name, dtype, length, placement }: BufferInfo): string {
  const place = placement.kind === "argument" ? `argument ${placement.slot}` : `arena + ${placement.byteOffset}`;
  return `b${id} ${name}: ${shortName(dtype)} × ${length}, ${place}`;
}

const operators: Readonly<Record<string, string>> = {
  add: "+", sub: "-", mul: "*", div: "/", mod: "%", eq: "==", ne: "!=", lt: "<", le: "<=", gt: ">", ge: ">=",
  and: "&", or: "|", xor: "^", shl: "<<", shr: ">>>",
};

class Lister {
  readonly #program: Program;
  readonly #names = new Map<number, string>();

  constructor(program: Program) {
    this.#program = program;
  }

  kernel(kernel: Kernel): string[] {
    switch (kernel.kind) {
      case "loops":
        return [
          `kernel ${kernel.name}: for ${this.#axes(kernel.axes)}`,
          ...kernel.body.flatMap((statement) => this.#statement(statement, "  ")),
        ];
      case "contraction": {
        const [batch, m, n, k] = [kernel.batch, kernel.m, kernel.n, kernel.k].map((axes) => this.#axes(axes));
        return [
          `kernel ${kernel.name}: contraction ${shortName(kernel.dtype)}, batch ${batch}, m ${m}, n ${n}`,
          `  ${this.#name(kernel.result.id, "v")} = sum over ${k} of ${this.#scalar(kernel.a)} · ${this.#scalar(kernel.b)}`,
          ...kernel.epilogue.flatMap((statement) => this.#statement(statement, "  ")),
        ];
      }
      default:
        return unreachable(kernel);
    }
  }

  #name(id: number, prefix: string): string {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const name = `${prefix}${this.#names.size}`;
    this.#names.set(id, name);
    return name;
  }

  #axes(axes: readonly Axis[]): string {
    return `[${axes.map((axis) => `${this.#name(axis.id, "i")} < ${axis.extent}`).join(", ")}]`;
  }

  #buffer(id: number): string {
    return `b${id}:${this.#program.buffers[id]?.name ?? "?"}`;
  }

  #statement(statement: Statement, indent: string): string[] {
    switch (statement.kind) {
      case "let":
        return [`${indent}${this.#name(statement.local.id, "v")} = ${this.#scalar(statement.value)}`];
      case "reduce": {
        const axes = this.#axes(statement.axes);
        const name = this.#name(statement.local.id, "v");
        return [`${indent}${name} = ${statement.combine} over ${axes} of ${this.#scalar(statement.value)}`];
      }
      case "for":
        return [
          `${indent}for ${statement.order} ${this.#axes(statement.axes)}`,
          ...statement.body.flatMap((inner) => this.#statement(inner, `${indent}  `)),
        ];
      case "store": {
        const sign = statement.accumulate ? "+=" : "=";
        return [`${indent}${this.#buffer(statement.buffer)}[${this.#scalar(statement.index)}] ${sign} ${this.#scalar(statement.value)}`];
      }
      case "scan": {
        const axes = this.#axes([statement.axis]);
        const target = `${this.#buffer(statement.buffer)}[${this.#scalar(statement.index)}]`;
        return [`${indent}${target} = running ${statement.combine} over ${axes} of ${this.#scalar(statement.value)}`];
      }
      default:
        return unreachable(statement);
    }
  }

  #scalar(x: Scalar): string {
    switch (x.kind) {
      case "const":
        return String(x.value);
      case "axis":
        return this.#name(x.axis.id, "i");
      case "local":
        return this.#name(x.local.id, "v");
      case "load":
        return `${this.#buffer(x.buffer)}[${this.#scalar(x.index)}]`;
      case "unary":
        return `${x.fn}(${this.#scalar(x.x)})`;
      case "binary": {
        const operator = operators[x.fn];
        const [a, b] = [this.#scalar(x.a), this.#scalar(x.b)];
        return operator === undefined ? `${x.fn}(${a}, ${b})` : `(${a} ${operator} ${b})`;
      }
      case "select":
        return `(${this.#scalar(x.condition)} ? ${this.#scalar(x.a)} : ${this.#scalar(x.b)})`;
      case "cast":
        return `${shortName(x.dtype)}(${this.#scalar(x.x)})`;
      case "bitcast":
        return `bits ${shortName(x.dtype)}(${this.#scalar(x.x)})`;
      case "guard":
        return `guard(${this.#scalar(x.index)} < ${x.extent})`;
      default:
        return unreachable(x);
    }
  }
}
