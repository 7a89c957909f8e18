// How the methods of Tensor beyond the basic ones are called, here and in PyTorch.
import type { InputSpec } from "./inputs.ts";
import type { Row } from "./rows.ts";

type Ours = Row["ours"];
const matrix = [2, 3] as const;
const square = [3, 3] as const;
const row = (name: string, ours: Ours, torch: string, ...inputs: readonly InputSpec[]): Row => ({
  name,
  ours,
  torch,
  inputs: inputs.length === 0 ? [matrix] : inputs,
});
const columns = { ints: [0, 2, 1, 1], shape: [2, 2] } as const;
const two = { ints: [2, 0] } as const;

type Unary =
  | "frac"
  | "exp2"
  | "log2"
  | "log10"
  | "asin"
  | "acos"
  | "sinh"
  | "cosh"
  | "asinh"
  | "acosh"
  | "atanh"
  | "sinc"
  | "deg2rad"
  | "rad2deg"
  | "erfc"
  | "erfinv"
  | "lgamma"
  | "digamma"
  | "i0"
  | "isposinf"
  | "isneginf"
  | "signbit"
  | "ravel"
  | "fliplr"
  | "flipud"
  | "trace"
  | "corrcoef"
  | "msort";
const unary = (...names: readonly Unary[]): Row[] => names.map((name) => row(name, (x) => x[name](), `x.${name}()`));

export const methodRows: readonly Row[] = [
  ...unary("frac", "exp2", "log2", "log10", "asin", "acos", "sinh", "cosh", "asinh", "acosh", "atanh", "sinc"),
  ...unary("deg2rad", "rad2deg", "erfc", "erfinv", "lgamma", "digamma", "i0", "isposinf", "isneginf", "signbit"),
  ...unary("ravel", "fliplr", "flipud", "msort"),
  row("round", (x) => x.round(1), "x.round(decimals=1)"),

  row("fmod", (x, y) => x.fmod(y), "x.fmod(y)", matrix, matrix),
  row("floorDivide", (x, y) => x.floorDivide(y), "x.detach().floor_divide(y.detach())", matrix, matrix),
  row("div", (x, y) => x.div(y, { roundingMode: "trunc" }), 'x.div(y, rounding_mode="trunc")', matrix, matrix),
  row("hypot", (x, y) => x.hypot(y), "x.hypot(y)", matrix, matrix),
  row("xlogy", (x, y) => x.xlogy(y), "x.xlogy(y)", matrix, matrix),
  row("logaddexp", (x, y) => x.logaddexp(y), "x.logaddexp(y)", matrix, matrix),
  row("logaddexp2", (x, y) => x.logaddexp2(y), "x.logaddexp2(y)", matrix, matrix),
  row("ldexp", (x, y) => x.ldexp(y), "x.ldexp(y)", matrix, matrix),
  row("frexp", (x) => Object.values(x.frexp()), "tuple(x.frexp())"),
  row("copysign", (x, y) => x.copysign(y), "x.copysign(y)", matrix, matrix),
  row("nextafter", (x, y) => x.nextafter(y), "x.nextafter(y)", matrix, matrix),
  row("heaviside", (x, y) => x.heaviside(y), "x.detach().heaviside(y.detach())", matrix, matrix),
  row("fmax", (x, y) => x.fmax(y), "x.fmax(y)", matrix, matrix),
  row("fmin", (x, y) => x.fmin(y), "x.fmin(y)", matrix, matrix),
  row("floatPower", (x, y) => x.floatPower(y), "x.float_power(y)", matrix, matrix),
  row("logicalXor", (x, y) => x.logicalXor(y), "x.logical_xor(y)", matrix, matrix),
  row("equal", (x, y) => x.equal(y), "torch.tensor(x.equal(y))", matrix, matrix),
  row("isclose", (x, y) => x.isclose(y, { rtol: 0.5 }), "x.isclose(y, rtol=0.5)", matrix, matrix),
  row("allclose", (x, y) => x.allclose(y, { atol: 9 }), "torch.tensor(x.allclose(y, atol=9))", matrix, matrix),
  row("lerp", (x, y) => x.lerp(y, 0.25), "x.lerp(y, 0.25)", matrix, matrix),
  row("lerp", (x, y, w) => x.lerp(y, w), "x.lerp(y, z)", matrix, matrix, matrix),
  row("addcmul", (x, y, z) => x.addcmul(y, z, { value: 2 }), "x.addcmul(y, z, value=2)", matrix, matrix, matrix),
  row("addcdiv", (x, y, z) => x.addcdiv(y, z, { value: 2 }), "x.addcdiv(y, z, value=2)", matrix, matrix, matrix),
  row("logit", (x) => x.logit(), "x.logit()"),
  row("logit", (x) => x.logit(0.1), "x.logit(0.1)"),
  row("polygamma", (x) => x.abs().polygamma(2), "x.abs().polygamma(2)"),
  row("mvlgamma", (x) => x.abs().add(2).mvlgamma(2), "(x.abs() + 2).mvlgamma(2)"),
  row("nanToNum", (x) => x.nanToNum(), "x.nan_to_num()"),
  row("nanToNum", (x) => x.nanToNum({ nan: 1, posinf: 2, neginf: 3 }), "x.nan_to_num(1.0, 2.0, 3.0)"),
  row("clamp", (x, y) => x.clamp(y), "x.clamp(y)", matrix, matrix),
  ...(["gcd", "lcm"] as const).map((name) =>
    row(name, (x, y) => x[name](y), `x.${name}(y)`, { ints: [4, -6, 0, 9] }, { ints: [6, 9, 5, 0] }),
  ),
  row("bitwiseAnd", (x, y) => x.bitwiseAnd(y), "x.bitwise_and(y)", { ints: [4, -6, 9] }, { ints: [6, 5, 12] }),
  row("bitwiseOr", (x, y) => x.bitwiseOr(y), "x.bitwise_or(y)", { ints: [4, -6, 9] }, { ints: [6, 5, 12] }),
  row("bitwiseXor", (x, y) => x.bitwiseXor(y), "x.bitwise_xor(y)", { ints: [4, -6, 9] }, { ints: [6, 5, 12] }),
  row("bitwiseNot", (x) => x.bitwiseNot(), "x.bitwise_not()", { ints: [4, -6, 9] }),
  row(
    "bitwiseLeftShift",
    (x, y) => x.bitwiseLeftShift(y),
    "x.bitwise_left_shift(y)",
    { ints: [4, -6, 9] },
    { ints: [1, 3, 0] },
  ),
  row(
    "bitwiseRightShift",
    (x, y) => x.bitwiseRightShift(y),
    "x.bitwise_right_shift(y)",
    { ints: [4, -6, 9] },
    { ints: [1, 3, 0] },
  ),
  row("typeAs", (x, y) => x.typeAs(y), "x.type_as(y)", matrix, [2]),
  row("nansum", (x) => x.nansum(1), "x.nansum(1)"),
  row("nansum", (x) => x.nansum(), "x.nansum()"),
  row("nanmean", (x) => x.nanmean(1), "x.nanmean(1)"),
  row("countNonzero", (x) => x.countNonzero(1), "x.count_nonzero(1)"),
  row("countNonzero", (x) => x.countNonzero(), "x.count_nonzero()"),
  ...[1, 3, 0.5, 0, "Infinity"].map((p) =>
    row("norm", (x) => x.norm(Number(p), 1), `x.norm(${p === "Infinity" ? 'float("inf")' : p}, 1)`),
  ),
  row("norm", (x) => x.norm(1), "x.norm(1)"),
  row("dist", (x, y) => x.dist(y, 3), "x.dist(y, 3)", matrix, matrix),
  row("renorm", (x) => x.renorm(2, 0, 1), "x.renorm(2, 0, 1)"),
  row("max", (x, y) => x.max(y), "x.max(y)", matrix, matrix),
  row("max", (x) => Object.values(x.max(1)), "tuple(x.max(1))"),
  row("max", (x) => Object.values(x.max(0, true)), "tuple(x.max(0, True))"),
  row("min", (x) => Object.values(x.min(-1)), "tuple(x.min(-1))"),
  row("min", (x, y) => x.min(y), "x.min(y)", matrix, matrix),
  row("aminmax", (x) => Object.values(x.aminmax(1)), "tuple(x.aminmax(dim=1))"),
  row("var", (x) => x.var(1), "x.var(1)"),
  row("median", (x) => x.median(), "x.median()", [5]),
  row("median", (x) => x.median(1).values, "x.median(1).values", [2, 4]),
  row("median", (x) => x.median(0, true).values, "x.median(0, True).values"),
  row("nanmedian", (x) => x.nanmedian(), "x.nanmedian()", [5]),
  row("nanmedian", (x) => x.nanmedian(1).values, "x.nanmedian(1).values", [2, 4]),
  ...(["linear", "lower", "higher", "midpoint", "nearest"] as const).flatMap((interpolation) => [
    row(
      "quantile",
      (x) => x.quantile(0.4, { dim: 1, interpolation }),
      `x.quantile(0.4, 1, interpolation="${interpolation}")`,
    ),
    row(
      "nanquantile",
      (x) => x.nanquantile(0.4, { dim: 1, interpolation }),
      `x.nanquantile(0.4, 1, interpolation="${interpolation}")`,
    ),
  ]),
  row(
    "quantile",
    (x) => x.quantile([0, 0.3, 1], { keepdim: true }),
    "x.quantile(torch.tensor([0, 0.3, 1]).double(), keepdim=True)",
  ),
  row("quantile", (x) => x.quantile([0.3, 1], { dim: 0 }), "x.quantile(torch.tensor([0.3, 1]).double(), 0)"),
  row("kthvalue", (x) => x.kthvalue(2).values, "x.kthvalue(2).values"),
  row("kthvalue", (x) => x.kthvalue(1, 0, true).values, "x.kthvalue(1, 0, True).values"),
  row("mode", (x) => x.mode(1).values, "x.mode(1).values", [2, 5]),
  row("histc", (x) => x.histc({ bins: 4, min: -2, max: 2 }), "x.detach().histc(4, -2, 2)"),
  row("histc", (x) => x.histc({ bins: 3 }), "x.detach().histc(3)"),
  row("cov", (x) => x.cov(), "x.cov()", [2, 4]),
  row("corrcoef", (x) => x.corrcoef(), "x.corrcoef()", [2, 4]),
  row("cumprod", (x) => x.cumprod(1), "x.cumprod(1)"),
  row("cumprod", (x) => x.cumprod(0), "x.cumprod(0)"),
  row("cummax", (x) => Object.values(x.cummax(1)), "tuple(x.cummax(1))"),
  row("cummin", (x) => Object.values(x.cummin(1)), "tuple(x.cummin(1))"),
  row("cummax", (x) => x.cummax(0).values, "x.cummax(0).values"),
  row("logcumsumexp", (x) => x.logcumsumexp(1), "x.logcumsumexp(1)", [2, 5]),
  row("view", (x) => x.view(3, 2), "x.view(3, 2)"),
  row("reshapeAs", (x, y) => x.reshapeAs(y), "x.reshape_as(y)", matrix, [3, 2]),
  row("viewAs", (x, y) => x.viewAs(y), "x.view_as(y)", matrix, [6]),
  row("squeeze", (x) => x.squeeze([0, 1]), "x.squeeze((0, 1))", [1, 2, 3]),
  row("movedim", (x) => x.movedim(0, -1), "x.movedim(0, -1)", [2, 3, 2]),
  row("movedim", (x) => x.movedim([0, 1], [2, 0]), "x.movedim((0, 1), (2, 0))", [2, 3, 2]),
  row("expandAs", (x, y) => x.expandAs(y), "x.expand_as(y)", [2, 1], matrix),
  row("broadcastTo", (x) => x.broadcastTo(4, 2, 3), "x.broadcast_to((4, 2, 3))"),
  row("sumToSize", (x) => x.sumToSize(1, 3), "x.sum_to_size(1, 3)"),
  row("roll", (x) => x.roll(1), "x.roll(1)"),
  row("roll", (x) => x.roll([1, -1], [0, 1]), "x.roll((1, -1), (0, 1))"),
  ...[1, 2, -1].map((k) => row("rot90", (x) => x.rot90(k), `x.rot90(${k})`)),
  row("tile", (x) => x.tile(2), "x.tile(2)"),
  row("tile", (x) => x.tile(2, 1, 2), "x.tile(2, 1, 2)"),
  row("repeatInterleave", (x) => x.repeatInterleave(2), "x.repeat_interleave(2)"),
  row("repeatInterleave", (x) => x.repeatInterleave([1, 0, 2], 1), "x.repeat_interleave(torch.tensor([1, 0, 2]), 1)"),
  row("diff", (x) => x.diff(), "x.diff()"),
  row("diff", (x) => x.diff(2, 1), "x.diff(2, 1)", [2, 4]),
  row("split", (x) => x.split([1, 2], 1), "x.split([1, 2], 1)"),
  row("tensorSplit", (x) => x.tensorSplit(2, 1), "x.tensor_split(2, 1)"),
  row("tensorSplit", (x) => x.tensorSplit([1, 2], 1), "x.tensor_split((1, 2), 1)"),
  row("hsplit", (x) => x.hsplit(3), "x.hsplit(3)"),
  row("vsplit", (x) => x.vsplit(2), "x.vsplit(2)"),
  row("dsplit", (x) => x.dsplit(2), "x.dsplit(2)", [2, 2, 2]),
  row("unbind", (x) => x.unbind(1), "x.unbind(1)"),
  row("unfold", (x) => x.unfold(1, 2, 1), "x.unfold(1, 2, 1)"),
  row("asStrided", (x) => x.asStrided([2, 2], [1, 2], 1), "x.as_strided((2, 2), (1, 2), 1)"),
  row("diagonal", (x) => x.diagonal(), "x.diagonal()"),
  row("diagonal", (x) => x.diagonal(-1), "x.diagonal(-1)", square),
  row("diagonal", (x) => x.diagonal(1, 0, 2), "x.diagonal(1, 0, 2)", [2, 2, 3]),
  row("diag", (x) => x.diag(1), "x.diag(1)", [3]),
  row("diag", (x) => x.diag(), "x.diag()"),
  row("diagEmbed", (x) => x.diagEmbed(), "x.diag_embed()"),
  row("diagEmbed", (x) => x.diagEmbed(-1, 0, 2), "x.diag_embed(-1, 0, 2)"),
  row("diagflat", (x) => x.diagflat(), "x.diagflat()"),
  row("trace", (x) => x.trace(), "x.trace()"),
  row("index", (x) => x.index(0), "x[0]"),
  row("index", (x) => x.index("...", "1:"), "x[..., 1:]"),
  row("index", (x) => x.index(null, "::2", 1), "x[None, ::2, 1]"),
  row("index", (x, i) => x.index(":", i), "x[:, y]", matrix, two),
  row("index", (x, i) => x.index(0, i), "x[0, y]", matrix, two),
  row("index", (x, i) => x.index(i, ":", i), "x[y, :, y]", [3, 2, 3], two),
  row(
    "indexPut",
    (x, i, v) => x.indexPut([":", i], v),
    "x.index_put((torch.arange(x.shape[0])[:, None], y), z)",
    matrix,
    two,
    [2, 2],
  ),
  row(
    "indexPut",
    (x, i, v) => x.indexPut([i], v, { accumulate: true }),
    "x.index_put((y,), z, accumulate=True)",
    [3, 2],
    { ints: [0, 2, 0] },
    [3, 2],
  ),
  row("takeAlongDim", (x, i) => x.takeAlongDim(i, 1), "x.take_along_dim(y, 1)", matrix, {
    ints: [0, 2],
    shape: [2, 1],
  }),
  row("takeAlongDim", (x, i) => x.takeAlongDim(i), "x.take_along_dim(y)", matrix, two),
  row("take", (x, i) => x.take(i), "x.take(y.long())", matrix, { ints: [0, 5, 2, 0], shape: [2, 2] }),
  row(
    "scatter",
    (x, i, s) => x.scatter(1, i, s),
    "x.scatter(1, y, z)",
    matrix,
    { ints: [0, 2, 1, 0], shape: [2, 2] },
    [2, 2],
  ),
  row("scatter", (x, i) => x.scatter(1, i, 7), "x.scatter(1, y, 7)", matrix, columns),
  row(
    "scatter",
    (x, i, s) => x.scatter(0, i, s),
    "x.scatter(0, y, z)",
    matrix,
    { ints: [1, 0, 0], shape: [1, 3] },
    [1, 3],
  ),
  ...(["sum", "prod", "mean", "amax", "amin"] as const).flatMap((reduce) => [
    row(
      "scatterReduce",
      (x, i, s) => x.scatterReduce(1, i, s, reduce),
      `x.scatter_reduce(1, y, z, "${reduce}")`,
      matrix,
      columns,
      [2, 2],
    ),
    row(
      "scatterReduce",
      (x, i, s) => x.scatterReduce(0, i, s, reduce, { includeSelf: false }),
      `x.scatter_reduce(0, y, z, "${reduce}", include_self=False)`,
      [3, 2],
      { ints: [0, 2, 0, 0, 0, 2], shape: [3, 2] },
      [3, 2],
    ),
  ]),
  row("indexAdd", (x, i, s) => x.indexAdd(1, i, s, { alpha: 2 }), "x.index_add(1, y, z, alpha=2)", matrix, two, [2, 2]),
  row("indexCopy", (x, i, s) => x.indexCopy(1, i, s), "x.index_copy(1, y.long(), z)", matrix, two, [2, 2]),
  row("indexFill", (x, i) => x.indexFill(1, i, 7), "x.index_fill(1, y.long(), 7)", matrix, two),
  ...(["prod", "mean", "amax", "amin"] as const).map((reduce) =>
    row(
      "indexReduce",
      (x, i, s) => x.indexReduce(0, i, s, reduce),
      `x.index_reduce(0, y, z, "${reduce}")`,
      [3, 2],
      { ints: [2, 0, 2] },
      [3, 2],
    ),
  ),
  row("put", (x, i, s) => x.put(i, s), "x.put(y.long(), z)", matrix, { ints: [0, 4] }, [2]),
  row("put", (x, i, s) => x.put(i, s, { accumulate: true }), "x.put(y.long(), z, True)", matrix, { ints: [4, 4] }, [2]),
  row("selectScatter", (x, s) => x.selectScatter(s, 1, 0), "x.select_scatter(y, 1, 0)", matrix, [2]),
  row("sliceScatter", (x, s) => x.sliceScatter(s, 1, 1), "x.slice_scatter(y, 1, 1)", matrix, [2, 2]),
  row("diagonalScatter", (x, s) => x.diagonalScatter(s, 1), "x.diagonal_scatter(y, 1)", matrix, [2]),
  row("maskedFill", (x, y) => x.maskedFill(y.gt(0), x.sum()), "x.masked_fill(y > 0, x.sum())", matrix, matrix),
  row("maskedScatter", (x, y) => x.maskedScatter(x.gt(0), y), "x.masked_scatter(x > 0, y)", matrix, [6]),
  row("nonzeroSync", (x) => x.nonzeroSync(), "x.nonzero()"),
  row("maskedSelectSync", (x, y) => x.maskedSelectSync(y.gt(0)), "x.masked_select(y > 0)", matrix, [3]),
  row("uniqueSync", (x) => Object.values(x.uniqueSync()), "x.detach().unique(return_inverse=True, return_counts=True)"),
  row(
    "uniqueSync",
    (x) => Object.values(x.uniqueSync({ dim: 1 })),
    "x.detach().unique(return_inverse=True, return_counts=True, dim=1)",
  ),
  row(
    "uniqueConsecutiveSync",
    (x) => Object.values(x.uniqueConsecutiveSync()),
    "x.detach().unique_consecutive(return_inverse=True, return_counts=True)",
  ),
  row("bincountSync", (x) => x.bincountSync({ minlength: 5 }), "x.bincount(minlength=5)", { ints: [0, 2, 2] }),
  row("bincountSync", (x, w) => x.bincountSync({ weights: w }), "x.bincount(y.detach())", { ints: [0, 2, 2] }, [3]),
  row("mm", (x, y) => x.mm(y), "x.mm(y)", matrix, [3, 2]),
  row("mv", (x, y) => x.mv(y), "x.mv(y)", matrix, [3]),
  row("bmm", (x, y) => x.bmm(y), "x.bmm(y)", [2, 2, 3], [2, 3, 2]),
  row("dot", (x, y) => x.dot(y), "x.dot(y)", [3], [3]),
  row("vdot", (x, y) => x.vdot(y), "x.vdot(y)", [3], [3]),
  row("inner", (x, y) => x.inner(y), "x.inner(y)", matrix, [3]),
  row("outer", (x, y) => x.outer(y), "x.outer(y)", [2], [3]),
  row("kron", (x, y) => x.kron(y), "x.kron(y)", matrix, [2]),
  row("cross", (x, y) => x.cross(y), "torch.linalg.cross(x, y)", matrix, matrix),
  row(
    "addmm",
    (x, y, z) => x.addmm(y, z, { beta: 2, alpha: 3 }),
    "x.addmm(y, z, beta=2, alpha=3)",
    [2, 2],
    matrix,
    [3, 2],
  ),
  row("addmv", (x, y, z) => x.addmv(y, z), "x.addmv(y, z)", [2], matrix, [3]),
  row("addr", (x, y, z) => x.addr(y, z), "x.addr(y, z)", matrix, [2], [3]),
  row("baddbmm", (x, y, z) => x.baddbmm(y, z), "x.baddbmm(y, z)", [2, 2, 2], [2, 2, 3], [2, 3, 2]),
  row("addbmm", (x, y, z) => x.addbmm(y, z, { beta: 0 }), "x.addbmm(y, z, beta=0)", [2, 2], [2, 2, 3], [2, 3, 2]),
];
