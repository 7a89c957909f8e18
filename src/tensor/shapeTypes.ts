// Shape types, only where they are unobtrusive: the type checker checks a matrix product whose sizes it knows.
import type { Shape } from "../graph/shape.ts";

/** Whether every size of a shape is a literal: `[32, 784]` is, `number[]` and `[number, 10]` are not. */
type Known<S extends Shape> = number extends S["length"] ? false : number extends S[number] ? false : true;

type Both<S extends Shape, T extends Shape> = [Known<S>, Known<T>] extends [true, true] ? true : false;

/** What a product of two matrices of shapes S and T accepts for `Right`: incompatible sizes become a sentence. */
export type MatmulOperand<S extends Shape, T extends Shape, Right> =
  Both<S, T> extends true
    ? S extends readonly [number, infer K extends number]
      ? T extends readonly [infer L extends number, number]
        ? [K] extends [L]
          ? Right
          : Right & {
              readonly "matmul: inner sizes differ": `${K} (last of the left) must equal ${L} (first of the right)`;
            }
        : Right
      : Right
    : Right;

/** The shape of a product of two matrices of known sizes; otherwise unknown until run time. */
export type MatmulShape<S extends Shape, T extends Shape> =
  Both<S, T> extends true
    ? S extends readonly [infer M extends number, number]
      ? T extends readonly [number, infer N extends number]
        ? [M, N]
        : Shape
      : Shape
    : Shape;
