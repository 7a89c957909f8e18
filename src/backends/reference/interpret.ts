// Turns kernels into closures that follow the kernel language literally, one element at a time.

import type { FailedCheck } from "../../compiler/checks.ts";
import type { Kernel, Statement } from "../../compiler/kernel.ts";
import type { ElementType, TypedArray } from "../../graph/dtype.ts";
import { InternalError, unreachable } from "../../graph/errors.ts";
import { type Axis, operandsOf, type Scalar } from "../../graph/scalar.ts";
import { binaryFunction, combination, conversion, identity, rounding, unaryFunction } from "./math.ts";

/** The program's buffers, and the first check that failed. */
export interface Memory {
  views: TypedArray[];
  failure: FailedCheck | undefined;
}

type Value = () => number;
type Action = () => void;

/** The kernel as a function over `memory`, whose views may be replaced before each run. */
export function interpret(kernel: Kernel, memory: Memory): Action {
  const interpreter = new Interpreter(memory);
  switch (kernel.kind) {
    case "loops":
      return interpreter.nest(kernel.axes, interpreter.block(kernel.body));
    case "contraction": {
      const { dtype, batch, m, n, k, result } = kernel;
      const a = interpreter.scalar(kernel.a);
      const b = interpreter.scalar(kernel.b);
      // Products and their sum stay in double and are rounded once.
      const multiply = binaryFunction("mul", dtype === "float32" ? "float64" : dtype);
      const sum = interpreter.reduction("sum", dtype, k, () => multiply(a(), b()));
      const setResult = interpreter.setter(result.id);
      const epilogue = interpreter.block(kernel.epilogue);
      return interpreter.nest([...batch, ...m, ...n], () => {
        setResult(sum());
        epilogue();
      });
    }
    default:
      return unreachable(kernel);
  }
}

class Interpreter {
  readonly #memory: Memory;
  /** The current value of each axis and local, at its index from `#place`. */
  readonly #values: number[] = [];
  readonly #places = new Map<number, number>();
  /** Counts evaluations, so that a cached part of one is not reused in the next. */
  #tick = 0;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** Returns a setter for a local or an axis. Consecutive loops may use the same axis. */
  setter(id: number): (value: number) => void {
    const place = this.#places.get(id) ?? this.#values.push(0) - 1;
    this.#places.set(id, place);
    const values = this.#values;
    return (value) => {
      values[place] = value;
    };
  }

  #getter(id: number): Value {
    // The body of a loop is compiled before the loop that binds its axis, so the index is looked up on first read.
    const values = this.#values;
    const places = this.#places;
    let place = places.get(id);
    return () => {
      place ??= places.get(id);
      const value = place === undefined ? undefined : values[place];
      if (value === undefined) throw new InternalError(`axis or local ${id} is read but never bound`);
      return value;
    };
  }

  /** Runs `body` for every point of the axes, the first axis outermost. */
  nest(axes: readonly Axis[], body: Action): Action {
    return axes.reduceRight((inner, axis) => {
      const set = this.setter(axis.id);
      return () => {
        for (let i = 0; i < axis.extent; i++) {
          set(i);
          inner();
        }
      };
    }, body);
  }

  block(statements: readonly Statement[]): Action {
    const actions = statements.map((statement) => this.#statement(statement));
    return () => {
      for (const action of actions) action();
    };
  }

  /** Combines `value` over the axes in double, rounding at the end. */
  reduction(combine: "sum" | "prod" | "max" | "min", dtype: ElementType, axes: readonly Axis[], value: Value): Value {
    const start = identity(combine, dtype);
    const step = combination(combine, dtype);
    const round = rounding(dtype);
    let running = start;
    const loop = this.nest(axes, () => {
      running = step(running, value());
    });
    return () => {
      running = start;
      loop();
      return round(running);
    };
  }

  #statement(statement: Statement): Action {
    switch (statement.kind) {
      case "let": {
        const value = this.scalar(statement.value);
        const set = this.setter(statement.local.id);
        return () => set(value());
      }
      case "reduce": {
        const { local, combine, axes } = statement;
        const total = this.reduction(combine, local.dtype, axes, this.scalar(statement.value));
        const set = this.setter(local.id);
        return () => set(total());
      }
      case "for":
        return this.nest(statement.axes, this.block(statement.body));
      case "store": {
        const { buffer, accumulate } = statement;
        const index = this.scalar(statement.index);
        const value = this.scalar(statement.value);
        const sum = binaryFunction("add", statement.value.dtype);
        return () => {
          const at = index();
          const old = this.#element(buffer, at);
          this.#view(buffer)[at] = accumulate ? sum(old, value()) : value();
        };
      }
      case "scan": {
        const { combine, axis, buffer } = statement;
        const dtype = statement.value.dtype;
        const start = identity(combine, dtype);
        const step = combination(combine, dtype);
        const round = rounding(dtype);
        const value = this.scalar(statement.value);
        const index = this.scalar(statement.index);
        let running = start;
        const loop = this.nest([axis], () => {
          running = step(running, value());
          const at = index();
          this.#element(buffer, at);
          this.#view(buffer)[at] = round(running);
        });
        return () => {
          running = start;
          loop();
        };
      }
      case "check": {
        const { site, extent } = statement;
        const holds = this.scalar(statement.holds);
        const index = this.scalar(statement.index);
        const place = this.scalar(statement.place);
        const search = this.nest(statement.axes, () => {
          const found = index();
          if (found < 0 || found >= extent) this.#memory.failure ??= { site, index: found, place: place() };
        });
        return () => {
          if (holds() === 0) search();
        };
      }
      default:
        return unreachable(statement);
    }
  }

  /** The value of an expression; shared subexpressions are evaluated once per evaluation. */
  scalar(x: Scalar): Value {
    const uses = new Map<Scalar, number>();
    countUses(x, uses);
    const value = this.#part(x, uses, new Map());
    return () => {
      this.#tick++;
      return value();
    };
  }

  #part(x: Scalar, uses: ReadonlyMap<Scalar, number>, made: Map<Scalar, Value>): Value {
    const known = made.get(x);
    if (known !== undefined) return known;
    const plain = this.#expression(x, (part) => this.#part(part, uses, made));
    const shared = (uses.get(x) ?? 0) > 1 && x.kind !== "const" && x.kind !== "axis" && x.kind !== "local";
    const value = shared ? this.#once(plain) : plain;
    made.set(x, value);
    return value;
  }

  /** Caches the value until the next evaluation. */
  #once(value: Value): Value {
    let tick = -1;
    let kept = 0;
    return () => {
      if (tick !== this.#tick) {
        kept = value();
        tick = this.#tick;
      }
      return kept;
    };
  }

  #expression(x: Scalar, part: (x: Scalar) => Value): Value {
    switch (x.kind) {
      case "const": {
        const value = rounding(x.dtype)(x.value);
        return () => value;
      }
      case "axis":
        return this.#getter(x.axis.id);
      case "local":
        return this.#getter(x.local.id);
      case "load": {
        const { buffer } = x;
        const index = part(x.index);
        return () => this.#element(buffer, index());
      }
      case "unary": {
        const apply = unaryFunction(x.fn, x.dtype);
        const value = part(x.x);
        return () => apply(value());
      }
      case "binary": {
        const apply = binaryFunction(x.fn, x.dtype);
        const a = part(x.a);
        const b = part(x.b);
        return () => apply(a(), b());
      }
      case "select": {
        const condition = part(x.condition);
        const a = part(x.a);
        const b = part(x.b);
        return () => (condition() !== 0 ? a() : b());
      }
      case "cast": {
        const convert = conversion(x.dtype);
        const value = part(x.x);
        return () => convert(value());
      }
      case "bitcast": {
        const bytes = new ArrayBuffer(4);
        const from = x.x.dtype === "int32" ? new Int32Array(bytes) : new Float32Array(bytes);
        const to = x.dtype === "int32" ? new Int32Array(bytes) : new Float32Array(bytes);
        const value = part(x.x);
        return () => {
          from[0] = value();
          return to[0] ?? 0;
        };
      }
      case "guard": {
        const { extent } = x;
        const value = part(x.index);
        return () => {
          const index = value();
          return index >= 0 && index < extent ? index : 0;
        };
      }
      default:
        return unreachable(x);
    }
  }

  #view(buffer: number): TypedArray {
    const view = this.#memory.views[buffer];
    if (view === undefined) throw new InternalError(`the program has no buffer ${buffer}`);
    return view;
  }

  /** Returns the element, or throws: a correct program never leaves its buffers. */
  #element(buffer: number, index: number): number {
    const view = this.#view(buffer);
    const value = view[index];
    if (value !== undefined) return value;
    throw new InternalError(`index ${index} is outside buffer ${buffer} of ${view.length} elements`);
  }
}

/** Counts the uses of each subexpression. */
function countUses(x: Scalar, uses: Map<Scalar, number>): void {
  const before = uses.get(x) ?? 0;
  uses.set(x, before + 1);
  if (before === 0) for (const part of operandsOf(x)) countUses(part, uses);
}
