// Eigenvalues of tridiagonal matrices by bisection counts, and their vectors by inverse iteration: all at once, each in its own lane.
// Sources: W. Barth, R. Martin, J. Wilkinson, Calculation of the eigenvalues of a symmetric tridiagonal matrix by the method of bisection, 1967;
// G. Peters, J. Wilkinson, The calculation of specified eigenvectors by inverse iteration, 1971.
import { at } from "../../at.ts";
import type { Node } from "../../node.ts";
import { expand, sum } from "../broadcast.ts";
import { full, iota } from "../creation.ts";
import * as el from "../elementwise.ts";
import { matmul } from "../matmul.ts";
import { cat, pad, permute, reshape, slice } from "../movement.ts";
import { amax } from "../reduce.ts";
import { select, unsqueeze } from "../views.ts";
import { epsilonOf, loopOver, mT, number, sliceAt } from "./matrices.ts";
import { orthonormal } from "./qr.ts";
import type { Tridiagonal } from "./tridiagonal.ts";

/** Rows of T per loop step; within a step everything stays in registers. */
const [rowsCounted, rowsSolved] = [32, 8];
const int = (value: number): Node => full([], value, "int32");

/** [batch, n] as [steps, rows, batch] with at least `least` rows in total; elements beyond n are `filled`. */
function inSteps(x: Node, rows: number, least: number, filled: number): Node {
  const [batch, n] = x.shape as [number, number];
  const steps = Math.ceil(least / rows);
  const whole = pad(
    x,
    [
      [0, 0],
      [0, steps * rows - n],
    ],
    filled,
  );
  return permute(reshape(whole, [batch, steps, rows]), [1, 2, 0]);
}

/** T in units of an upper bound on its eigenvalues: [batch, 1]. */
export function inUnits({ diagonal, beside }: Pick<Tridiagonal, "diagonal" | "beside">): {
  readonly d: Node;
  readonly e: Node;
  readonly largest: Node;
} {
  const sizes = (pads: [number, number]): Node => pad(el.abs(beside), [[0, 0], pads], 0);
  const largest = amax(el.add(el.abs(diagonal), el.add(sizes([0, 1]), sizes([1, 0]))), 1, true);
  const unit = el.where(el.eq(largest, number(0, largest)), number(1, largest), largest);
  return { d: el.div(diagonal, unit), e: el.div(beside, unit), largest };
}

/**
 * The eigenvalues of T, between −1 and 1, at these indices in ascending order, [lanes], accurate to a few units in the last place of the largest. The
 * elimination of T − x has as many negative pivots as there are eigenvalues below x; each lane bisects the interval of its own eigenvalue.
 */
export function eigenvaluesAt(wanted: Node, diagonal: Node, beside: Node): Node {
  const [batch, n] = diagonal.shape as [number, number];
  const places = unsqueeze(wanted, 0);
  const isDouble = diagonal.dtype === "float64";
  const halvings = isDouble ? 55 : 26;
  // Padding rows lie far above all eigenvalues.
  const d = inSteps(diagonal, rowsCounted, n, 4);
  const squares = inSteps(
    pad(
      el.square(beside),
      [
        [0, 0],
        [1, 0],
      ],
      0,
    ),
    rowsCounted,
    n,
    0,
  );
  const steps = at(d.shape, 0);
  const [zero, half] = [number(0, diagonal), number(0.5, diagonal)];
  // A pivot this close to 0 counts as negative, which keeps the square divided by it finite.
  const least = number(isDouble ? 2 ** -1000 : 2 ** -120, diagonal);
  const lanes = (value: number, dtype = diagonal.dtype): Node => full([batch, at(wanted.shape, 0)], value, dtype);
  const bound = 1 + 2 ** -10;
  const initial = [lanes(-bound), lanes(bound), lanes(1), lanes(0, "int32")];
  const { state } = loopOver(halvings * steps, initial, ([low, high, before, counted], t) => {
    const [from, to] = [low as Node, high as Node];
    const step = el.remainder(t, int(steps));
    const isFirst = el.eq(step, int(0));
    const x = el.mul(el.add(from, to), half);
    let pivot = el.where(isFirst, number(1, x), before as Node);
    let count = el.where(isFirst, int(0), counted as Node);
    const [own, others] = [sliceAt(d, 0, step), sliceAt(squares, 0, step)];
    for (let row = 0; row < rowsCounted; row++) {
      const [here, square] = [unsqueeze(select(own, 0, row), 1), unsqueeze(select(others, 0, row), 1)];
      const found = el.sub(el.sub(here, x), el.div(square, pivot));
      pivot = el.where(el.lt(el.abs(found), least), el.neg(least), found);
      count = el.add(count, el.cast(el.lt(pivot, zero), "int32"));
    }
    const isLast = el.eq(step, int(steps - 1));
    const isAbove = el.gt(count, places);
    return {
      next: [
        el.where(el.logicalAnd(isLast, el.logicalNot(isAbove)), x, from),
        el.where(el.logicalAnd(isLast, isAbove), x, to),
        pivot,
        count,
      ],
    };
  });
  return el.mul(el.add(state[0] as Node, state[1] as Node), half);
}

/** Pseudo-random numbers between −1 and 1: [rows, lanes]. */
export function scattered(rows: number, lanes: number, like: Node): Node {
  let bits = el.add(el.mul(iota([rows, lanes], 0), int(lanes)), iota([rows, lanes], 1));
  for (const factor of [0x2c1b3c6d, 0x297a2d39]) {
    bits = el.mul(el.add(bits, int(1)), int(factor));
    bits = el.bitwiseXor(bits, el.shiftRight(bits, int(15)));
  }
  return el.mul(el.cast(bits, like.dtype), number(2 ** -31, like));
}

/** Unit vectors along the columns of [batch, n, lanes]. */
function directions(x: Node): Node {
  const scaled = el.div(x, amax(el.abs(x), 1, true));
  return el.div(scaled, el.sqrt(sum(el.square(scaled), 1, true)));
}

/** In units of the last place of the largest: eigenvalues closer than the first count as equal, and are then moved by the second. */
const [equalWithin, movedBy] = [4, 8];

/**
 * The λ of (T − λ)⁻¹: the eigenvalues, [batch, lanes] in order, with equal ones moved up slightly. Rounding separates equal ones, and exactly at
 * one of them all lanes of the eigenspace would find the same vector. From a distance, each finds a different one.
 */
function besideEqual(values: Node): Node {
  const [batch, lanes] = values.shape as [number, number];
  if (lanes < 2) return values;
  const unit = epsilonOf(values);
  const gaps = el.abs(el.sub(slice(values, 1, 1), slice(values, 1, 0, lanes - 1)));
  const far = full([batch, 1], 1, values.dtype);
  const nearest = el.minimum(cat([far, gaps], 1), cat([gaps, far], 1));
  const moved = el.add(values, number(movedBy * unit, values));
  return el.where(el.lt(nearest, number(equalWithin * unit, values)), moved, values);
}

/**
 * (T − λ)⁻¹ y of each lane, [batch, n, lanes], as unit vectors, by elimination with row exchanges. A zero pivot is replaced by one far below the
 * last place: a larger one would change the space of equal eigenvalues.
 */
export function solved(diagonal: Node, beside: Node, eigenvalues: Node, y: Node): Node {
  const values = besideEqual(eigenvalues);
  const [batch, n] = diagonal.shape as [number, number];
  const lanes = at(values.shape, 1);
  const zero = number(0, y);
  const least = number(epsilonOf(y) ** 2, y);
  // For row k + 1: its diagonal element, and the elements on either side.
  const own = inSteps(slice(diagonal, 1, 1), rowsSolved, n, 4);
  const left = inSteps(beside, rowsSolved, n, 0);
  const right = inSteps(slice(beside, 1, 1), rowsSolved, n, 0);
  const steps = at(own.shape, 0);
  const sides = pad(
    slice(y, 1, 1),
    [
      [0, 0],
      [0, steps * rowsSolved - n + 1],
      [0, 0],
    ],
    0,
  );
  const stackedSides = permute(reshape(sides, [batch, steps, rowsSolved, lanes]), [1, 2, 0, 3]);
  const first = [
    el.sub(slice(diagonal, 1, 0, 1), values),
    el.mul(slice(beside, 1, 0, 1), full([batch, lanes], 1, y.dtype)),
    select(y, 1, 0),
  ];
  const forward = loopOver(
    steps,
    first,
    (state, _, rows) => {
      let [p, q, g] = state as [Node, Node, Node];
      const outputs: Node[] = [];
      for (let row = 0; row < rowsSolved; row++) {
        const [d, l, r] = rows.slice(0, 3).map((x) => unsqueeze(select(x, 0, row), 1)) as [Node, Node, Node];
        const h = select(rows[3] as Node, 0, row);
        const shifted = el.sub(d, values);
        const swaps = el.gt(el.abs(l), el.abs(p));
        const found = el.where(swaps, l, p);
        const tiny = el.where(el.lt(found, zero), el.neg(least), least);
        const pivot = el.where(el.lt(el.abs(found), least), tiny, found);
        const [second, third, side] = [el.where(swaps, shifted, q), el.where(swaps, r, zero), el.where(swaps, h, g)];
        const factor = el.div(el.where(swaps, p, l), pivot);
        outputs.push(pivot, second, third, side);
        p = el.sub(el.where(swaps, q, shifted), el.mul(factor, second));
        q = el.sub(el.where(swaps, zero, r), el.mul(factor, third));
        g = el.sub(el.where(swaps, g, h), el.mul(factor, side));
      }
      return { next: [p, q, g], outputs };
    },
    [own, left, right, stackedSides],
  );
  const none = full([batch, lanes], 0, y.dtype);
  const backward = loopOver(
    steps,
    [none, none],
    (state, _, rows) => {
      let [x, after] = state as [Node, Node];
      const outputs: Node[] = [];
      for (let row = rowsSolved - 1; row >= 0; row--) {
        const [pivot, second, third, side] = rows.slice(4 * row, 4 * row + 4) as [Node, Node, Node, Node];
        const rest = el.sub(el.sub(side, el.mul(second, x)), el.mul(third, after));
        [x, after] = [el.div(rest, pivot), x];
        outputs.unshift(x);
      }
      return { next: [x, after], outputs };
    },
    forward.outputs,
    true,
  );
  const rows = cat(
    backward.outputs.map((x) => unsqueeze(x, 1)),
    1,
  );
  const all = reshape(rows, [steps * rowsSolved, batch, lanes]);
  return directions(permute(slice(all, 0, 0, n), [1, 0, 2]));
}

/** T X */
function product(diagonal: Node, beside: Node, x: Node): Node {
  const n = at(x.shape, 1);
  const none: readonly [number, number] = [0, 0];
  const [own, others] = [unsqueeze(diagonal, 2), unsqueeze(beside, 2)];
  const above = pad(el.mul(others, slice(x, 1, 1)), [none, [0, 1], none], 0);
  const below = pad(el.mul(others, slice(x, 1, 0, n - 1)), [none, [1, 0], none], 0);
  return el.add(el.add(el.mul(own, x), above), below);
}

/**
 * The largest off-diagonal element that may be rotated away, by the gap of two values between −1 and 1. For close values, a rotation is mostly
 * rounding and must have a square below the last place. Between distant values, a larger element comes from an unlucky start vector.
 */
export function turnable(gap: Node): Node {
  const size = el.abs(gap);
  const least = number(0.3 * Math.sqrt(epsilonOf(gap)), gap);
  return el.mul(size, el.maximum(least, el.mul(size, number(0.01, gap))));
}

/**
 * The skew K that rotates each pair of the orthonormal columns of V against the off-diagonal of VᵀTV: V + V K is closer to the eigenvectors. Pairs that
 * would rotate far, because their eigenvalues are practically equal, stay: any two orthogonal vectors of their plane are valid. K is exactly skew, so
 * the vectors stay orthogonal up to its square. Source: T. Ogita, K. Aishima, Iterative refinement for symmetric eigenvalue decomposition, 2018.
 */
function turnsOf(v: Node, times: Node, values: Node): Node {
  const found = matmul(mT(v), times);
  const beside = el.mul(el.add(found, mT(found)), number(0.5, v));
  const gap = el.sub(unsqueeze(values, 1), unsqueeze(values, 2));
  const isSmall = el.lt(el.abs(beside), turnable(gap));
  return el.where(isSmall, el.div(beside, gap), number(0, v));
}

export interface TridiagonalSpectrum {
  /** In ascending order. */
  readonly values: Node;
  /** Orthonormal columns close to the eigenvectors. */
  readonly vectors: Node;
  /** K: the eigenvectors are vectors + vectors K. */
  readonly turns: Node;
}

/**
 * From pseudo-random starts, the vectors of equal and nearly equal eigenvalues are different members of their eigenspace, and are
 * orthogonalised there. A second iteration removes the effect of a bad start.
 */
export function tridiagonalSpectrum({ diagonal, beside }: Tridiagonal): TridiagonalSpectrum {
  const [batch, n] = diagonal.shape as [number, number];
  const { d, e, largest } = inUnits({ diagonal, beside });
  const values = eigenvaluesAt(iota([n], 0), d, e);
  const start = expand(scattered(n, n, d), [batch, n, n]);
  const first = orthonormal(solved(d, e, values, start));
  const vectors = orthonormal(solved(d, e, values, first));
  return { values: el.mul(values, largest), vectors, turns: turnsOf(vectors, product(d, e, vectors), values) };
}
