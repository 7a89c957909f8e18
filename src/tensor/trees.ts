// Arguments and results of compiled functions: tensors in arrays and plain objects. Everything else is compared by value.
import { HebbError } from "../graph/errors.ts";
import { notATensor } from "./refusals.ts";
import { Tensor } from "./tensor.ts";

/** Tensors in arrays and plain objects. */
export type Tree = unknown;

/** Deeper than any real data, and far from a stack overflow: this also catches structures that contain themselves. */
const mostLevels = 256;

function checkDepth(what: string, level: number): void {
  if (level > mostLevels)
    throw new HebbError(
      `compile: ${what} are nested more than ${mostLevels} levels deep; pass flat lists, without cycles`,
    );
}

/** Collects the tensors. Returns the rest as text, with `$` in place of each tensor. */
export function flattenArguments(args: readonly unknown[], tensors: Tensor[]): string {
  for (const arg of args) if (arg instanceof Tensor) tensors.push(arg);
  if (tensors.length === args.length) return "$";
  tensors.length = 0;
  return args.map((arg) => describeArgument(arg, tensors, 1)).join();
}

/** Distinct text for values that a function can distinguish: JSON would merge undefined and null, -0 and 0, or a tensor and "$". */
function describeArgument(value: unknown, tensors: Tensor[], level: number): string {
  if (value instanceof Tensor) {
    tensors.push(value);
    return "$";
  }
  if (typeof value === "string") return JSON.stringify(value);
  if (Object.is(value, -0)) return "-0";
  if (value === null || value === undefined || typeof value === "number" || typeof value === "boolean")
    return `${value}`;
  checkDepth("arguments", level);
  if (Array.isArray(value))
    return `[${Array.from(value, (part) => describeArgument(part, tensors, level + 1)).join()}]`;
  if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    const parts = Object.entries(value).map(
      ([key, part]) => `${JSON.stringify(key)}:${describeArgument(part, tensors, level + 1)}`,
    );
    return `{${parts.join()}}`;
  }
  throw new HebbError(
    "compile: arguments must be tensors, numbers, strings, booleans, or arrays and plain objects of these; close over everything else",
  );
}

/** The arguments, checked for depth, with their tensors replaced in order. */
export function substituted(args: readonly unknown[], tensors: readonly Tensor[]): unknown[] {
  let next = 0;
  const substitute = (value: unknown): unknown => {
    if (value instanceof Tensor) return tensors[next++];
    if (Array.isArray(value)) return value.map(substitute);
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, substitute(part)]));
    return value;
  };
  return args.map(substitute);
}

/** Collects the tensors of a result. Returns a function that puts new ones in their places. */
export function collectResult(result: unknown, tensors: Tensor[], level = 1): (values: readonly Tensor[]) => Tree {
  if (result instanceof Tensor) {
    const place = tensors.push(result) - 1;
    return (values) => values[place];
  }
  if (result instanceof Promise) {
    throw new HebbError(
      "compile: the function is async, and tracing cannot wait; make it a plain function and await what it returns",
    );
  }
  if (typeof result !== "object" || result === null) return () => result;
  checkDepth("results", level);
  if (Array.isArray(result)) {
    const parts = result.map((part) => collectResult(part, tensors, level + 1));
    return (values) => parts.map((part) => part(values));
  }
  const parts = Object.entries(result).map(([key, part]) => [key, collectResult(part, tensors, level + 1)] as const);
  return (values) => Object.fromEntries(parts.map(([key, part]) => [key, part(values)]));
}

/** Tensors of a nested value, flat. */
export interface TensorTree {
  readonly tensors: readonly Tensor[];
  /** The path of each tensor: "the initial state.cell[0]". */
  readonly paths: readonly string[];
  /** The structure without the tensors: "{ hidden, cell: [·, ·] }". */
  readonly structure: string;
  /** The same structure with the first of the other tensors in place of these. */
  with(others: readonly Tensor[]): Tree;
}

/** A tensor, or arrays and plain objects of tensors and nothing else. `what` names it in errors. */
export function tensorTree(where: string, what: string, value: unknown): TensorTree {
  const tensors: Tensor[] = [];
  const paths: string[] = [];
  const visit = (
    part: unknown,
    path: string,
    level: number,
  ): { text: string; fill: (others: readonly Tensor[]) => Tree } => {
    if (part instanceof Tensor) {
      const place = tensors.push(part) - 1;
      paths.push(path);
      return { text: "·", fill: (others) => others[place] };
    }
    if (part === undefined && level > 0) return { text: "none", fill: () => undefined };
    if (level > mostLevels)
      throw new HebbError(
        `${where}: ${what} is nested more than ${mostLevels} levels deep; pass flat lists, without cycles`,
      );
    if (Array.isArray(part)) {
      const parts = Array.from(part, (inner, place) => visit(inner, `${path}[${place}]`, level + 1));
      return {
        text: `[${parts.map(({ text }) => text).join(", ")}]`,
        fill: (others) => parts.map(({ fill }) => fill(others)),
      };
    }
    if (typeof part === "object" && part !== null && Object.getPrototypeOf(part) === Object.prototype) {
      const parts = Object.entries(part)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, inner]) => [key, visit(inner, `${path}.${key}`, level + 1)] as const);
      return {
        text: `{ ${parts.map(([key, { text }]) => (text === "·" ? key : `${key}: ${text}`)).join(", ")} }`,
        fill: (others) => Object.fromEntries(parts.map(([key, { fill }]) => [key, fill(others)])),
      };
    }
    throw notATensor(where, path, part);
  };
  const { text, fill } = visit(value, what, 0);
  return { tensors, paths, structure: text === "·" ? "a tensor" : text, with: fill };
}
