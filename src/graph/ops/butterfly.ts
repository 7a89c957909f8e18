// One pass of a Fourier transform: short transforms that share partial sums, and the twiddle factors.
// Source: J. Cooley and J. Tukey, An algorithm for the machine calculation of complex Fourier series, 1965.
import { apply } from "../apply.ts";
import { at } from "../at.ts";
import { ShapeError } from "../errors.ts";
import { gradient, type Node, type Op, type TileContext, type TileElement } from "../node.ts";
import * as scalar from "../scalar.ts";
import { formatShape, type Shape, sameShape } from "../shape.ts";
import { sum } from "./broadcast.ts";
import { add, mul, sub } from "./elementwise.ts";
import { cat, permute, reshape, slice } from "./movement.ts";

type ButterflyAttributes = {
  /** -1: e^(-2πi jk / n), the forward transform. */
  readonly sign: 1 | -1;
  /** Whether the real and imaginary parts of each result are adjacent: [..., n, others, left, 2]. */
  readonly pairs: boolean;
};

/** A complex number. */
type Pair = readonly [re: scalar.Scalar, im: scalar.Scalar];

/** The leading dims, and the last four. */
const split = (shape: Shape): readonly [lead: number[], last: number[]] => [shape.slice(0, -4), shape.slice(-4)];

/**
 * Complex numbers as planes of real and imaginary parts: [..., 2, others, n, left] → [..., 2, n, others, left], the n sums over n of each,
 * times input 1 if given: the twiddle factors [..., 2, n, left].
 */
export const butterflyOp: Op<ButterflyAttributes> = {
  name: "butterfly",
  infer([x, turns], { pairs }) {
    const [lead, [planes, others = 1, n = 1, left = 1]] = split(x?.shape ?? []);
    const fits = turns === undefined || sameShape(turns.shape, [...lead, 2, n, left]);
    if (x === undefined || x.shape.length < 4 || planes !== 2 || !fits)
      throw new ShapeError(
        `butterfly: takes planes [..., 2, others, n, left] and turns [..., 2, n, left], got ${formatShape(x?.shape ?? [])}${turns === undefined ? "" : ` and ${formatShape(turns.shape)}`}`,
      );
    return { shape: [...lead, ...(pairs ? [n, others, left, 2] : [2, n, others, left])], dtype: x.dtype };
  },
  // The matrix of the sums is symmetric, so its adjoint is its conjugate.
  gradient: gradient(({ node, grad, needs }) => {
    const { sign, pairs } = node.attributes;
    const [x, turns] = node.inputs as [Node, Node | undefined];
    const [lead, [, others = 1, n = 1, left = 1]] = split(x.shape);
    const rank = lead.length;
    const dims = [...lead.keys()];
    const planes = pairs ? permute(grad, [...dims, ...[3, 0, 1, 2].map((dim) => rank + dim)]) : grad;
    const turned = turns === undefined ? planes : turnedBack(planes, reshape(turns, [...lead, 2, n, 1, left]));
    const sums = butterfly([reshape(turned, [...lead, 2, 1, n, others * left])], {
      sign: sign === 1 ? -1 : 1,
      pairs: false,
    });
    const ofX = permute(reshape(sums, [...lead, 2, n, others, left]), [
      ...dims,
      ...[0, 2, 1, 3].map((dim) => rank + dim),
    ]);
    if (turns === undefined || !needs(1)) return [ofX, undefined];
    return [ofX, sum(turnedBack(planes, butterfly([x], { sign, pairs: false })), rank + 2)];
  }),
  rule: {
    kind: "tile",
    points(_, [x]) {
      const [lead, [, others = 1, , left = 1]] = split(x?.shape ?? []);
      return [...lead, others, left];
    },
    elements: tileOf,
  },
};

/** The inputs are the numbers, and optionally their twiddle factors. */
export const butterfly = (inputs: readonly Node[], attributes: ButterflyAttributes): Node =>
  apply(butterflyOp, inputs, attributes);

/** x times the conjugate of y. */
function turnedBack(x: Node, y: Node): Node {
  const dim = x.shape.length - 4;
  const parts = (z: Node): readonly [Node, Node] => [slice(z, dim, 0, 1), slice(z, dim, 1)];
  const [[a, b], [c, d]] = [parts(x), parts(y)];
  return cat([add(mul(a, c), mul(b, d)), sub(mul(b, c), mul(a, d))], dim);
}

function tileOf({ attributes, inputTypes, point, input, share }: TileContext<ButterflyAttributes>): TileElement[] {
  const lead = point.slice(0, -2);
  const [other, place] = point.slice(-2) as [scalar.Scalar, scalar.Scalar];
  const pair = (of: (plane: scalar.Scalar) => scalar.Scalar): Pair => [of(scalar.int(0)), of(scalar.int(1))];
  const n = at(inputTypes[0]?.shape ?? [], lead.length + 2);
  const given = Array.from({ length: n }, (_, p) =>
    pair((plane) => input(0, [...lead, plane, other, scalar.int(p), place])),
  );
  return sums(given, attributes.sign, share).flatMap((value, k) => {
    const turn = (): Pair => pair((plane) => input(1, [...lead, plane, scalar.int(k), place]));
    const parts = inputTypes.length === 1 ? value : product(value, turn());
    return parts.map((part, plane) => {
      const index = [scalar.int(k), other, place];
      return {
        index: [...lead, ...(attributes.pairs ? [...index, scalar.int(plane)] : [scalar.int(plane), ...index])],
        value: part,
      };
    });
  });
}

const product = ([a, b]: Pair, [c, d]: Pair): Pair => [
  scalar.sub(scalar.mul(a, c), scalar.mul(b, d)),
  scalar.add(scalar.mul(a, d), scalar.mul(b, c)),
];

/** x · e^(2πi · step / n), without unnecessary products; angles are reduced to the first eighth, where they are most accurate. */
function turned([a, b]: Pair, step: number, n: number): Pair {
  const quarters = Math.round((4 * step) / n);
  const rest = 4 * step - quarters * n;
  const angle = (2 * Math.PI * rest) / (4 * n);
  const number = (value: number): scalar.Scalar => scalar.constant(value, a.dtype);
  const half = number(Math.SQRT1_2);
  let [re, im]: Pair = [a, b];
  // Math.round rounds halves up, so an eighth of a turn always appears as -n / 2.
  if (2 * rest === -n) [re, im] = [scalar.mul(scalar.add(a, b), half), scalar.mul(scalar.sub(b, a), half)];
  else if (rest !== 0) [re, im] = product([a, b], [number(Math.cos(angle)), number(Math.sin(angle))]);
  const back = (x: scalar.Scalar): scalar.Scalar => scalar.unary("neg", x);
  switch (quarters % 4) {
    case 0:
      return [re, im];
    case 1:
      return [back(im), re];
    case 2:
      return [back(re), back(im)];
    default:
      return [im, back(re)];
  }
}

/** The transform of n numbers: for n = p · m, of p interleaved sequences of m. */
function sums(x: readonly Pair[], sign: 1 | -1, share: (value: scalar.Scalar) => scalar.Scalar): Pair[] {
  const n = x.length;
  if (n <= 1) return [...x];
  let p = 2;
  while (n % p !== 0) p++;
  const parts = Array.from({ length: p }, (_, r) => {
    const own = x.filter((_, place) => place % p === r);
    return sums(own, sign, share);
  });
  return Array.from({ length: n }, (_, k): Pair => {
    const terms = parts.map((part, r) => turned(at(part, k % part.length), (((sign * r * k) % n) + n) % n, n));
    const [re, im] = terms.reduce(([a, b], [c, d]): Pair => [scalar.add(a, c), scalar.add(b, d)]);
    return [share(re), share(im)];
  });
}
