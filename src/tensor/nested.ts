// Nested JavaScript arrays as flat values and a shape.
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkRank, type Shape } from "../graph/shape.ts";
import type { NestedArray } from "./operands.ts";

/** Numbers and booleans, in arrays of any depth with equal lengths at each depth. */
export type Nested = NestedArray | boolean | readonly Nested[];

export interface Flattened {
  readonly values: readonly number[];
  readonly shape: Shape;
  /** Whether every value is a boolean. */
  readonly booleans: boolean;
}

/** The values in row-major order. Throws ShapeError for ragged arrays; `where` names the caller in the error. */
export function flatten(where: string, data: Nested): Flattened {
  const shape: number[] = [];
  for (let level: Nested = data; Array.isArray(level); level = level[0] as Nested) {
    shape.push(level.length);
    if (level.length === 0) break;
    checkRank(where, shape);
  }
  const values: number[] = [];
  let numbers = 0;
  const collect = (value: Nested, axis: number): void => {
    if (Array.isArray(value)) {
      if (value.length !== shape[axis])
        throw new ShapeError(
          `${where}: the arrays are ragged: at depth ${axis} one has ${value.length} elements, the first has ${shape[axis] ?? "none"}; all must be equally long`,
        );
      for (const part of value) collect(part as Nested, axis + 1);
      return;
    }
    if (axis !== shape.length)
      throw new ShapeError(
        `${where}: the arrays are ragged: there is a single value at depth ${axis}, where others are arrays`,
      );
    if (typeof value === "boolean") values.push(value ? 1 : 0);
    else if (typeof value === "number") {
      numbers++;
      values.push(value);
    } else throw new HebbError(`${where}: takes numbers and booleans, got ${kind.describe(value)}`);
  };
  collect(data, 0);
  return { values, shape, booleans: numbers === 0 && values.length > 0 };
}
