// Prints a program of the kernel language in human-readable form.
import { shortName } from "../graph/dtype.ts";
import { unreachable } from "../graph/errors.ts";
import { type Axis, operandsOf, type Scalar } from "../graph/scalar.ts";
import { visitScalar } from "./indexing.ts";
import type { BufferInfo, Instruction, Kernel, Program, Repeat, Statement, Window } from "./kernel.ts";

/**
 * Buffers first, then every kernel with its loops. Axes and locals are numbered from 0 in each kernel. An expression that a
 * statement uses more than once is written once, in a line `where t0 = …` below it.
 */
export function printProgram(program: Program): string {
  const lines = [`program ${program.name}: ${program.argumentCount} arguments, arena of ${program.arenaBytes} bytes`];
  for (const buffer of program.buffers) lines.push(`  ${describeBuffer(buffer)}`);
  for (const kernel of program.kernels) lines.push(...printInstruction(kernel, program));
  return `${lines.join("\n")}\n`;
}

const printInstruction = (kernel: Instruction, program: Program): string[] =>
  kernel.kind === "repeat" ? printRepeat(kernel, program) : new Lister(program).kernel(kernel);

function printRepeat({ name, steps, reverse, windows, body }: Repeat, program: Program): string[] {
  const inside = [
    ...windows.map((window) => describeWindow(window, program)),
    ...body.flatMap((kernel) => printInstruction(kernel, program)),
  ];
  return [
    `repeat ${name}: t ${reverse ? `from ${steps - 1} to 0` : `< ${steps}`} {`,
    ...inside.map((line) => `  ${line}`),
    "}",
  ];
}

/** `b7 = row (t + 1) % 2 of b3:ring` */
function describeWindow({ buffer, whole, start, shift, rows }: Window, { buffers }: Program): string {
  const step = shift === 0 ? "t" : "t + 1";
  const row = rows === undefined ? step : `(${step}) % ${rows}`;
  return `b${buffer} = row ${row} of b${whole}:${buffers[whole]?.name ?? "?"}${start === 0 ? "" : ` + ${start}`}`;
}

function describeBuffer({ id, name, dtype, length, placement }: BufferInfo): string {
  const place =
    placement.kind === "argument"
      ? `argument ${placement.slot}`
      : placement.kind === "window"
        ? `window ${placement.slot}`
        : `arena + ${placement.byteOffset}`;
  return `b${id} ${name}: ${shortName(dtype)} × ${length}, ${place}`;
}

const operators: Readonly<Record<string, string>> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  mod: "%",
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
  and: "&",
  or: "|",
  xor: "^",
  shl: "<<",
  shr: ">>>",
};

/** A shared expression no longer than this is repeated rather than named. */
const shortText = 24;

class Lister {
  readonly #program: Program;
  readonly #names = new Map<number, string>();
  #temporaries = 0;
  /** For the current statement: subexpressions used more than once, those already written, and the lines below it. */
  #shared: ReadonlySet<Scalar> = new Set();
  #texts = new Map<Scalar, string>();
  #where: string[] = [];

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
        const name = this.#name(kernel.result.id, "v");
        return [
          `kernel ${kernel.name}: contraction ${shortName(kernel.dtype)}, batch ${batch}, m ${m}, n ${n}`,
          ...this.#lines("  ", [kernel.a, kernel.b], (a, b) => `${name} = sum over ${k} of ${a} · ${b}`),
          ...kernel.epilogue.flatMap((statement) => this.#statement(statement, "  ")),
        ];
      }
      default:
        return unreachable(kernel);
    }
  }

  /** A statement with these expressions, followed by the subexpressions they share. */
  #lines(indent: string, parts: readonly Scalar[], write: (...texts: string[]) => string): string[] {
    this.#shared = sharedParts(parts);
    this.#texts = new Map();
    this.#where = [];
    const line = write(...parts.map((part) => this.#scalar(part)));
    return [`${indent}${line}`, ...this.#where.map((shared) => `${indent}  where ${shared}`)];
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
      case "let": {
        const name = this.#name(statement.local.id, "v");
        return this.#lines(indent, [statement.value], (value) => `${name} = ${value}`);
      }
      case "reduce": {
        const axes = this.#axes(statement.axes);
        const name = this.#name(statement.local.id, "v");
        return this.#lines(
          indent,
          [statement.value],
          (value) => `${name} = ${statement.combine} over ${axes} of ${value}`,
        );
      }
      case "for":
        return [
          `${indent}for ${statement.order} ${this.#axes(statement.axes)}`,
          ...statement.body.flatMap((inner) => this.#statement(inner, `${indent}  `)),
        ];
      case "store": {
        const sign = statement.accumulate ? "+=" : "=";
        const buffer = this.#buffer(statement.buffer);
        return this.#lines(
          indent,
          [statement.index, statement.value],
          (index, value) => `${buffer}[${index}] ${sign} ${value}`,
        );
      }
      case "scan": {
        const axes = this.#axes([statement.axis]);
        const buffer = this.#buffer(statement.buffer);
        return this.#lines(
          indent,
          [statement.index, statement.value],
          (index, value) => `${buffer}[${index}] = running ${statement.combine} over ${axes} of ${value}`,
        );
      }
      case "check": {
        const axes = this.#axes(statement.axes);
        const check = this.#program.checks[statement.site];
        const by = check?.by ?? "?";
        const item = check === undefined ? "?" : "item" in check ? check.item : "value";
        return this.#lines(
          indent,
          [statement.holds, statement.index, statement.place],
          (holds, index, place) =>
            `check ${holds}, else the first ${index} at ${place} over ${axes} outside [0, ${statement.extent}): ${by}, ${item}`,
        );
      }
      default:
        return unreachable(statement);
    }
  }

  #scalar(x: Scalar): string {
    const known = this.#texts.get(x);
    if (known !== undefined) return known;
    let text = this.#written(x);
    if (this.#shared.has(x) && text.length > shortText) {
      const name = `t${this.#temporaries++}`;
      this.#where.push(`${name} = ${text}`);
      text = name;
    }
    this.#texts.set(x, text);
    return text;
  }

  #written(x: Scalar): string {
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

/** The subexpressions used several times. */
function sharedParts(parts: readonly Scalar[]): Set<Scalar> {
  const seen = new Set<Scalar>(parts);
  const shared = new Set<Scalar>();
  const use = (part: Scalar): void => {
    if (seen.has(part)) shared.add(part);
    seen.add(part);
  };
  const visited = new Set<Scalar>();
  for (const part of parts) {
    visitScalar(
      part,
      (scalar) => {
        for (const operand of operandsOf(scalar)) use(operand);
      },
      visited,
    );
  }
  return shared;
}
