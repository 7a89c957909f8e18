// Positional information for attention: rotary embeddings and ALiBi's biases.
import { isFloat, isHalf } from "../graph/dtype.ts";
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { formatShape } from "../graph/shape.ts";
import { given, tensorKind } from "../tensor/arguments.ts";
import { arange, cat, stack, type Tensor, tensor } from "../tensor/index.ts";
import type { FloatDType } from "./init.ts";

export interface RotaryOptions {
  /** The position of each row, [T]. Default 0, 1, 2, … */
  readonly positions?: Tensor | undefined;
  /** The base of the angles' frequencies. Default 10000. */
  readonly base?: number;
  /** Pairs are neighbours, as in the paper, instead of the two halves of the width. Default false. */
  readonly interleaved?: boolean;
}

const rotaryKinds: OptionKinds<RotaryOptions> = {
  positions: tensorKind,
  base: kind.number,
  interleaved: kind.boolean,
};

/**
 * Rotates queries or keys [..., T, width], in pairs of features, by angles position · base^(−2i / width). Products of a query and a key then depend
 * only on the distance of their positions. Source: Su et al. 2021.
 */
export function rotary(x: Tensor, options: RotaryOptions = {}): Tensor {
  given("rotary", x);
  const { positions, base = 10_000, interleaved = false } = checkOptions("rotary", options, rotaryKinds);
  const [length = 0, width = 0] = x.shape.slice(-2);
  if (x.rank < 2 || width % 2 !== 0)
    throw new ShapeError(`rotary: takes [..., T, width] with an even width, got ${formatShape(x.shape)}`);
  if (!isFloat(x.dtype)) throw new HebbError(`rotary: the input must be of floats, got ${x.dtype}`);
  if (!(base > 0)) throw new HebbError(`rotary: base must be above 0, got ${base}`);
  // Angles need the precision of float32: beyond 256, bfloat16 does not hold every integer position.
  const wide = isHalf(x.dtype) ? "float32" : x.dtype;
  const places = (positions ?? arange(length)).to(wide);
  if (places.rank !== 1 || places.size !== length)
    throw new ShapeError(`rotary: positions must be [${length}], one for each row, got ${formatShape(places.shape)}`);
  const speeds = Float64Array.from({ length: width / 2 }, (_, pair) => base ** ((-2 * pair) / width));
  const angles = places.unsqueeze(1).mul(tensor(speeds, { dtype: wide }));
  const [cos, sin] = [angles.cos().to(x.dtype), angles.sin().to(x.dtype)];
  const pairs = interleaved ? x.unflatten(-1, [width / 2, 2]) : undefined;
  const [a, b] =
    pairs === undefined
      ? [x.slice(-1, 0, width / 2), x.slice(-1, width / 2, width)]
      : [pairs.select(-1, 0), pairs.select(-1, 1)];
  const turned = [a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))];
  return interleaved ? stack(turned, -1).flatten(-2) : cat(turned, -1);
}

/** 2^(−8 / n), squared, cubed …; if n is not a power of two, every other slope of the next power of two fills up. */
function slopes(heads: number): number[] {
  const power = 2 ** Math.floor(Math.log2(heads));
  const of = (count: number): number[] => Array.from({ length: count }, (_, head) => 2 ** ((-8 * (head + 1)) / count));
  if (power === heads) return of(heads);
  const between = of(2 * power).filter((_, place) => place % 2 === 0);
  return [...of(power), ...between.slice(0, heads - power)];
}

/**
 * −slope · distance for each head, [heads, queries, keys]: added to scores as an attention mask, it gives far keys less weight. The last query is at
 * the position of the last key. Default: as many keys as queries. Source: Press et al. 2022.
 */
export function alibi(
  heads: number,
  queries: number,
  options: { readonly keys?: number; readonly dtype?: FloatDType } = {},
): Tensor {
  checkKind("alibi", "the number of heads", heads, kind.number);
  checkKind("alibi", "the number of queries", queries, kind.number);
  const { keys = queries, dtype = "float32" } = checkOptions("alibi", options, {
    keys: kind.number,
    dtype: kind.floatDType,
  });
  if (![heads, queries, keys].every((count) => Number.isInteger(count) && count >= 1))
    throw new HebbError(
      `alibi: heads, queries and keys must be whole numbers of at least 1, got ${heads}, ${queries}, ${keys}`,
    );
  const rows = arange(queries)
    .add(keys - queries)
    .unsqueeze(1);
  const distance = rows.sub(arange(keys).unsqueeze(0)).abs().to(dtype);
  return distance.mul(tensor(Float64Array.from(slopes(heads)), { dtype }).reshape([heads, 1, 1])).neg();
}
