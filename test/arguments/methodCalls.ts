// Valid calls of the methods of Tensor beyond the basic ones.
import { type Tensor, tensor } from "../../src/index.ts";
import { type Call, floats, positive } from "./calls.ts";

type MethodCall = Call & { readonly of?: () => Tensor };
const ints = (...values: readonly number[]): Tensor => tensor(Int32Array.from(values));
const places = (shape: readonly number[], ...values: readonly number[]): Tensor =>
  tensor(Int32Array.from(values), { shape });
const matrix = (): Tensor => floats(2, 3);
const of = (...args: readonly unknown[]): Call => ({ args: () => args });
const make = (args: () => readonly unknown[], options?: number): Call => ({
  args,
  ...(options === undefined ? {} : { options }),
});
const named = (names: string, call: MethodCall): Record<string, MethodCall> =>
  Object.fromEntries(names.split(" ").map((name) => [name, call]));
const whole = (): Tensor => places([2, 2], 1, 6, 3, 12);

export const methodCalls: Readonly<Record<string, MethodCall>> = {
  ...named(
    "frac exp2 log2 log10 asin acos sinh cosh asinh acosh atanh sinc deg2rad rad2deg erfc erfinv lgamma digamma i0 isposinf " +
      "isneginf signbit frexp numel dim ravel fliplr flipud trace corrcoef msort half bfloat16 float double",
    of(),
  ),
  ...named(
    "fmod floorDivide hypot xlogy logaddexp logaddexp2 ldexp copysign nextafter heaviside fmax fmin floatPower logicalXor equal " +
      "typeAs reshapeAs viewAs expandAs",
    make(() => [matrix()]),
  ),
  ...named("bitwiseAnd bitwiseOr bitwiseXor bitwiseLeftShift bitwiseRightShift gcd lcm", {
    ...make(() => [whole()]),
    of: whole,
  }),
  bitwiseNot: { ...of(), of: whole },
  round: of(1),
  div: make(() => [matrix(), {}], 1),
  lerp: make(() => [matrix(), 0.5]),
  ...named(
    "addcmul addcdiv",
    make(() => [matrix(), matrix(), {}], 2),
  ),
  ...named(
    "isclose allclose",
    make(() => [matrix(), {}], 1),
  ),
  logit: of(0.1),
  polygamma: of(1),
  mvlgamma: of(2),
  nanToNum: make(() => [{}], 0),
  ...named("nansum nanmean", of(1, true)),
  norm: of(2, 1, true),
  dist: make(() => [matrix(), 2]),
  renorm: of(2, 0, 1),
  countNonzero: of(1),
  ...named("max min aminmax median nanmedian", of(1, true)),
  var: make(() => [1, {}], 1),
  ...named(
    "quantile nanquantile",
    make(() => [0.5, {}], 1),
  ),
  kthvalue: of(2, 1, true),
  mode: of(1, true),
  histc: make(() => [{}], 0),
  cov: make(() => [{}], 0),
  ...named("cumprod cummax cummin logcumsumexp", of(1)),
  view: of([3, 2]),
  movedim: of(0, 1),
  broadcastTo: of([4, 2, 3]),
  sumToSize: of([1, 3]),
  roll: of(1, 0),
  rot90: of(1, [0, 1]),
  tile: of([2, 1]),
  repeatInterleave: of(2, 1),
  diff: of(1, 1),
  split: of(2, 1),
  ...named("tensorSplit", of(2, 1)),
  hsplit: of(3),
  vsplit: of(2),
  dsplit: { ...of(2), of: () => floats(2, 2, 2) },
  unbind: of(0),
  unfold: of(1, 2, 1),
  asStrided: of([2, 2], [1, 1], 0),
  ...named("diagonal diagEmbed", of(0, 0, 1)),
  ...named("diag diagflat", of(0)),
  index: make(() => [0, "1:"]),
  indexPut: make(() => [[0, "1:"], 2, {}], 2),
  takeAlongDim: make(() => [places([2, 1], 0, 2), 1]),
  take: make(() => [ints(0, -1)]),
  scatter: make(() => [1, places([2, 1], 0, 2), floats(2, 1), {}], 3),
  scatterReduce: make(() => [1, places([2, 1], 0, 2), floats(2, 1), "sum", {}], 4),
  indexAdd: make(() => [1, ints(0, 2), floats(2, 2), {}], 3),
  indexCopy: make(() => [1, ints(0, 2), floats(2, 2)]),
  indexFill: make(() => [1, ints(0, 2), 3]),
  indexReduce: make(() => [1, ints(0, 2), floats(2, 2), "amax", {}], 4),
  put: make(() => [ints(0, -1), floats(2), {}], 2),
  selectScatter: make(() => [floats(2), 1, 0]),
  sliceScatter: make(() => [floats(2, 2), 1, 0, 2, 1]),
  diagonalScatter: make(() => [floats(2), 0, 0, 1]),
  maskedScatter: make(() => [matrix().gt(0), floats(6)]),
  ...named("nonzero nonzeroSync", of()),
  ...named(
    "maskedSelect maskedSelectSync",
    make(() => [matrix().gt(0)]),
  ),
  ...named(
    "unique uniqueSync uniqueConsecutive uniqueConsecutiveSync",
    make(() => [{}], 0),
  ),
  ...named("bincount bincountSync", { ...make(() => [{}], 0), of: () => ints(0, 2, 2) }),
  mm: make(() => [floats(3, 2)]),
  mv: make(() => [floats(3)]),
  bmm: { ...make(() => [floats(2, 3, 2)]), of: () => floats(2, 2, 3) },
  ...named("dot vdot outer", { ...make(() => [floats(3)]), of: () => floats(3) }),
  inner: make(() => [matrix()]),
  kron: make(() => [matrix()]),
  ...named("inverse det logdet slogdet", { ...make(() => []), of: positive }),
  ...named("cholesky choleskyInverse", { ...make(() => [false]), of: positive }),
  choleskySolve: { ...make(() => [positive(), false]), of: () => floats(3, 2) },
  pinverse: make(() => [1e-6]),
  qr: make(() => [true]),
  svd: make(() => [true]),
  matrixPower: { ...make(() => [2]), of: positive },
  cross: make(() => [matrix(), 1]),
  addmm: make(() => [floats(2, 4), floats(4, 3), {}], 2),
  addmv: { ...make(() => [matrix(), floats(3), {}], 2), of: () => floats(2) },
  addr: make(() => [floats(2), floats(3), {}], 2),
  baddbmm: { ...make(() => [floats(2, 2, 3), floats(2, 3, 2), {}], 2), of: () => floats(2, 2, 2) },
  addbmm: { ...make(() => [floats(2, 2, 3), floats(2, 3, 2), {}], 2), of: () => floats(2, 2) },
};
