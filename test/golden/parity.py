"""Makes parity.json: random calls of the functions that PyTorch has beyond the basic ones, with random attributes, in float64.

    python test/golden/parity.py > test/golden/parity.json

A case holds the outputs, the gradient of sum(output * cos(i + 1)) for each float input, and the gradient of the sum of those gradients
times sin(i + 1): the second order. Inputs are ties, empty, 0-d or infinite now and then, where the function takes them.
"""
import json
import math
import random

import torch
import torch.nn.functional as F

rng = random.Random(16)
torch.manual_seed(16)
f64 = torch.float64


def size(low=1, high=3):
    return rng.randint(low, high)


def shape(low=0, high=3):
    return [size() for _ in range(rng.randint(low, high))]


def dim_of(s):
    return rng.randrange(-len(s), len(s))


def r(*s, low=-2.0, high=2.0, ties=False):
    t = torch.empty(s, dtype=f64).uniform_(low, high)
    return torch.round(t * (1 if ties else 200)) / (1 if ties else 200) + (0 if ties else 0.0025)


def distinct(*s):
    n = math.prod(s)
    return (torch.randperm(n).to(f64).reshape(s) - n / 2 + 0.25) / max(1, n / 3)


def ints(low, high, *s):
    return torch.randint(low, high, s, dtype=torch.int32)


def arg(k):
    return {"$": k}


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


unary = {"asin": (-0.95, 0.95), "acos": (-0.95, 0.95), "atanh": (-0.95, 0.95), "acosh": (1.1, 4), "sinh": (-3, 3), "cosh": (-3, 3), "asinh": (-3, 3), "log2": (0.1, 4),
         "log10": (0.1, 4), "exp2": (-3, 3), "erfc": (-2, 2), "erfinv": (-0.9, 0.9), "lgamma": (0.2, 5), "digamma": (0.2, 5), "i0": (-3, 3), "sinc": (-3, 3),
         "deg2rad": (-90, 90), "rad2deg": (-3, 3), "logit": (0.1, 0.9), "frac": (-3, 3), "nan_to_num": (-3, 3)}


def elementwise():
    name, (low, high) = rng.choice(list(unary.items()))
    return f"x.{camel(name)}", [], [r(*shape(), low=low, high=high)], lambda x: getattr(x, name)()


def order():
    n = rng.randint(0, 3)
    return "x.polygamma", [n], [r(*shape(), low=0.3, high=4)], lambda x: x.polygamma(n)


def pairs():
    name = rng.choice(["hypot", "logaddexp", "logaddexp2", "xlogy", "copysign", "fmod", "fmax", "fmin", "floor_divide", "nextafter", "heaviside", "max", "min", "isclose"])
    s = shape()
    x, y = r(*s), r(*s[rng.randint(0, len(s)):])
    if name == "xlogy":
        y = y.abs() + 0.1
    if name in ("fmod", "floor_divide"):
        y = torch.where(y.abs() < 0.2, y + 1, y)
    theirs = getattr(torch.Tensor, name)
    own = (lambda a, b: theirs(a.detach(), b.detach())) if name in ("floor_divide", "nextafter", "heaviside", "isclose") else theirs
    return f"x.{camel(name)}", [arg(1)], [x, y], own


def blends():
    s = shape()
    if rng.random() < 0.4:
        w = rng.choice([0.1, 0.5, 0.75, 1.5, -1])
        return "x.lerp", [arg(1), w], [r(*s), r(*s)], lambda x, y: x.lerp(y, w)
    v = rng.choice([1, 2, -0.5])
    name = rng.choice(["addcmul", "addcdiv"])
    return f"x.{name}", [arg(1), arg(2), {"value": v}], [r(*s), r(*s), r(*s).abs() + 0.3], lambda x, a, b: getattr(x, name)(a, b, value=v)


def ranked():
    s = shape(1, 3)
    d, keep = dim_of(s), rng.random() < 0.5
    x = distinct(*s)
    kind = rng.choice(["max", "min", "median", "nanmedian", "kthvalue", "cummax", "cummin", "mode"])
    if kind in ("cummax", "cummin"):
        return f"x.{kind}", [d], [r(*s, ties=True)], lambda x: list(getattr(x, kind)(d))
    if kind == "kthvalue":
        k = rng.randint(1, s[d])
        return "x.kthvalue", [k, d, keep], [x], lambda x: list(x.kthvalue(k, d, keep))
    if kind == "mode":
        return "x.mode", [d, keep], [r(*s, ties=True)], lambda x: list(x.mode(d, keep))
    return f"x.{kind}", [d, keep], [x], lambda x: list(getattr(x, kind)(d, keep))


def quantiles():
    s = shape(1, 3)
    d, keep, q = dim_of(s), rng.random() < 0.5, rng.choice([0, 0.1, 0.25, 0.5, 0.8, 1])
    how = rng.choice(["linear", "lower", "higher", "midpoint", "nearest"])
    name = rng.choice(["quantile", "nanquantile"])
    return f"x.{name}", [q, {"dim": d, "keepdim": keep, "interpolation": how}], [distinct(*s)], lambda x: getattr(x, name)(q, d, keep, interpolation=how)


def sums():
    s = shape(1, 3)
    d, keep = dim_of(s), rng.random() < 0.5
    kind = rng.choice(["nansum", "nanmean", "norm", "countNonzero", "logcumsumexp", "cumprod", "dist", "renorm"])
    if kind == "norm":
        p = rng.choice([1, 2, 3, 0.5, 1.5])
        return "x.norm", [p, d, keep], [r(*s)], lambda x: x.norm(p, d, keep)
    if kind == "countNonzero":
        return "x.countNonzero", [d], [r(*s, ties=True)], lambda x: x.detach().count_nonzero(d).int()
    if kind in ("logcumsumexp", "cumprod"):
        return f"x.{kind}", [d], [r(*s)], lambda x: getattr(x, kind)(d)
    if kind == "dist":
        p = rng.choice([1, 2, 3])
        return "x.dist", [arg(1), p], [r(*s), r(*s)], lambda x, y: x.dist(y, p)
    if kind == "renorm":
        s = shape(2, 3)
        d = dim_of(s)
        return "x.renorm", [2, d, 1.5], [r(*s)], lambda x: x.renorm(2, d, 1.5)
    return f"x.{kind}", [d, keep], [r(*s)], lambda x: getattr(x, kind)(d, keepdim=keep)


def moved():
    s = shape(1, 3)
    x, d = r(*s), dim_of(s)
    kind = rng.choice(["roll", "tile", "repeatInterleave", "diff", "unfold", "movedim", "rot90", "tensorSplit", "split", "unbind", "diagEmbed", "diagonal", "asStrided"])
    if kind == "roll":
        k = rng.randint(-3, 3)
        return "x.roll", [k, d], [x], lambda x: x.roll(k, d)
    if kind == "tile":
        counts = [size(1, 3) for _ in range(rng.randint(1, 4))]
        return "x.tile", counts, [x], lambda x: x.tile(*counts)
    if kind == "repeatInterleave":
        counts = [rng.randint(0, 3) for _ in range(s[d])]
        return "x.repeatInterleave", [counts, d], [x], lambda x: x.repeat_interleave(torch.tensor(counts), d)
    if kind == "diff":
        n = rng.randint(0, 3)
        return "x.diff", [n, d], [x], lambda x: x.diff(n, d)
    if kind == "unfold":
        w, step = rng.randint(1, s[d]), size(1, 2)
        return "x.unfold", [d, w, step], [x], lambda x: x.unfold(d, w, step)
    if kind == "movedim":
        e = dim_of(s)
        return "x.movedim", [d, e], [x], lambda x: x.movedim(d, e)
    if kind == "tensorSplit":
        n = size(1, 4)
        return "x.tensorSplit", [n, d], [x], lambda x: list(x.tensor_split(n, d))
    if kind == "split":
        cut = rng.randint(0, s[d])
        return "x.split", [[cut, s[d] - cut], d], [x], lambda x: list(x.split([cut, s[d] - cut], d))
    if kind == "unbind":
        return "x.unbind", [d], [x], lambda x: list(x.unbind(d))
    if kind == "diagEmbed":
        o = rng.randint(-2, 2)
        return "x.diagEmbed", [o], [x], lambda x: x.diag_embed(o)
    if kind == "asStrided":
        x = r(12)
        sizes, strides, offset = [size(1, 3), size(1, 2)], [rng.randint(0, 3), rng.randint(0, 2)], rng.randint(0, 3)
        return "x.asStrided", [sizes, strides, offset], [x], lambda x: x.as_strided(sizes, strides, offset)
    s = shape(2, 3)
    x = r(*s)
    if kind == "rot90":
        k = rng.randint(-3, 3)
        return "x.rot90", [k, [0, -1]], [x], lambda x: x.rot90(k, [0, -1])
    o = rng.randint(-2, 2)
    return "x.diagonal", [o, 0, -1], [x], lambda x: x.diagonal(o, 0, -1)


def placed():
    s = shape(1, 3)
    d = dim_of(s)
    own = [rng.randint(1, n) for n in s]
    own[d] = rng.randint(1, s[d])
    kind = rng.choice(["scatter", "scatterReduce", "indexCopy", "indexAdd", "indexReduce", "takeAlongDim", "take", "put", "selectScatter", "sliceScatter"])
    apart = torch.argsort(torch.rand(*s[:], dtype=f64), dim=d).narrow(d, 0, own[d])[tuple(slice(0, n) for n in own)].int()
    if kind == "scatter":
        return "x.scatter", [d, arg(1), arg(2)], [r(*s), apart, r(*own)], lambda x, i, v: x.scatter(d, i.long(), v)
    if kind == "scatterReduce":
        how, include = rng.choice(["sum", "prod", "mean", "amax", "amin"]), rng.random() < 0.5
        return "x.scatterReduce", [d, arg(1), arg(2), how, {"includeSelf": include}], [r(*s), ints(0, s[d], *own), r(*own)], lambda x, i, v: x.scatter_reduce(d, i.long(), v, how, include_self=include)
    if kind == "takeAlongDim":
        return "x.takeAlongDim", [arg(1), d], [r(*s), ints(0, s[d], *s)], lambda x, i: x.take_along_dim(i.long(), d)
    if kind == "take":
        n = math.prod(s)
        return "x.take", [arg(1)], [r(*s), ints(-n, n, size(), size())], lambda x, i: x.take(i.long())
    if kind == "put":
        n = math.prod(s)
        k = rng.randint(1, n)
        where = torch.randperm(n)[:k].int()
        return "x.put", [arg(1), arg(2)], [r(*s), where, r(k)], lambda x, i, v: x.put(i.long(), v)
    if kind in ("selectScatter", "sliceScatter"):
        k = rng.randrange(s[d])
        part = list(s)
        if kind == "selectScatter":
            del part[d]
            return "x.selectScatter", [arg(1), d, k], [r(*s), r(*part)], lambda x, v: x.select_scatter(v, d, k)
        part[d] = s[d] - k
        return "x.sliceScatter", [arg(1), d, k], [r(*s), r(*part)], lambda x, v: x.slice_scatter(v, d, k)
    count = rng.randint(1, s[d])
    part = list(s)
    part[d] = count
    if kind == "indexCopy":
        return "x.indexCopy", [d, arg(1), arg(2)], [r(*s), torch.randperm(s[d])[:count].int(), r(*part)], lambda x, i, v: x.index_copy(d, i.long(), v)
    if kind == "indexAdd":
        a = rng.choice([1, 2, -0.5])
        return "x.indexAdd", [d, arg(1), arg(2), {"alpha": a}], [r(*s), ints(0, s[d], count), r(*part)], lambda x, i, v: x.index_add(d, i, v, alpha=a)
    how, include = rng.choice(["prod", "mean", "amax", "amin"]), rng.random() < 0.5
    return "x.indexReduce", [d, arg(1), arg(2), how, {"includeSelf": include}], [r(*s), ints(0, s[d], count), r(*part)], lambda x, i, v: x.index_reduce(d, i.long(), v, how, include_self=include)


def products():
    a, b, c, n = size(), size(), size(), size()
    kind = rng.choice(["mm", "mv", "bmm", "dot", "inner", "outer", "kron", "addmm", "baddbmm", "addbmm", "addr", "cross"])
    beta, alpha = rng.choice([0, 1, 2]), rng.choice([1, 0.5])
    scale = {"beta": beta, "alpha": alpha}
    shapes = {"mm": [(a, b), (b, c)], "mv": [(a, b), (b,)], "bmm": [(n, a, b), (n, b, c)], "dot": [(a,), (a,)], "inner": [(a, b), (c, b)], "outer": [(a,), (b,)], "kron": [(a, b), (c, n)],
              "addmm": [(a, c), (a, b), (b, c)], "baddbmm": [(n, a, c), (n, a, b), (n, b, c)], "addbmm": [(a, c), (n, a, b), (n, b, c)], "addr": [(a, b), (a,), (b,)], "cross": [(a, 3), (a, 3)]}[kind]
    inputs = [r(*s) for s in shapes]
    if kind.startswith(("add", "badd")):
        return f"x.{kind}", [arg(1), arg(2), scale], inputs, lambda x, y, z: getattr(x, kind)(y, z, **scale)
    if kind == "cross":
        return "x.cross", [arg(1)], inputs, lambda x, y: torch.linalg.cross(x, y)
    return f"x.{kind}", [arg(1)], inputs, lambda x, y: getattr(x, kind)(y)


def volumes():
    kind = rng.choice(["conv", "transpose", "max", "avg", "adaptive", "covariance"])
    if kind == "conv":
        o = {"stride": size(1, 2), "padding": size(0, 1), "dilation": 1}
        return "F.conv3d", [arg(0), arg(1), arg(2), o], [r(1, 2, 3, 4, 3), r(1, 2, 2, 2, 2), r(1)], lambda x, w, b: F.conv3d(x, w, b, **o)
    if kind == "transpose":
        s = size(1, 2)
        return "F.convTranspose3d", [arg(0), arg(1), None, {"stride": s}], [r(1, 1, 2, 2, 2), r(1, 1, 2, 1, 2)], lambda x, w: F.conv_transpose3d(x, w, None, stride=s)
    if kind == "max":
        s = size(1, 2)
        return "F.maxPool3d", [arg(0), 2, {"stride": s}], [distinct(1, 1, 2, 3, 3)], lambda x: F.max_pool3d(x, 2, s)
    if kind == "avg":
        include = rng.random() < 0.5
        return "F.avgPool3d", [arg(0), 2, {"padding": 1, "countIncludePad": include}], [r(1, 1, 2, 3, 2)], lambda x: F.avg_pool3d(x, 2, None, 1, False, include)
    if kind == "covariance":
        return "x.cov", [], [r(size(2, 3), size(3, 4))], lambda x: x.cov()
    o = [size(1, 2), size(1, 3), size(1, 2)]
    return "F.adaptiveAvgPool3d", [arg(0), o], [r(1, 1, 2, 3, 2)], lambda x: F.adaptive_avg_pool3d(x, o)


makers = [elementwise, elementwise, order, pairs, pairs, blends, ranked, ranked, quantiles, sums, sums, moved, moved, moved, placed, placed, placed, products, products, volumes]


def numbers(t):
    def one(x):
        return x if isinstance(x, int) else "NaN" if x != x else "Infinity" if x == math.inf else "-Infinity" if x == -math.inf else float(f"{x:.8g}")
    return [one(x) for x in (t.int() if t.dtype in (torch.bool, torch.int64) else t).detach().reshape(-1).tolist()]


def data(t):
    kind = "float64" if t.is_floating_point() else "bool" if t.dtype == torch.bool else "int32"
    return {"shape": list(t.shape), "dtype": kind, "data": numbers(t)}


def weighted(t, by):
    return (t * by(torch.arange(1, t.numel() + 1, dtype=t.dtype)).reshape(t.shape)).sum()


def all_cases():
    cases = []
    while len(cases) < 1560:
        call, args, inputs, fn = makers[len(cases) % len(makers)]()
        # Numbers as they are written to the file, so that both sides use the same.
        held = [torch.tensor([float(v) for v in numbers(x)], dtype=f64).reshape(x.shape).requires_grad_() if x.is_floating_point() else x for x in inputs]
        out = fn(*held)
        outputs = out if isinstance(out, list) else [out]
        parts = [weighted(o, torch.cos) for o in outputs if o.is_floating_point() and o.requires_grad]
        leaves = [x for x in held if x.is_floating_point()]
        case = {"call": call, "args": args, "inputs": [data(x) for x in held], "outputs": [data(o) for o in outputs]}
        if parts:
            first = torch.autograd.grad(sum(parts), leaves, create_graph=True, allow_unused=True)
            case["gradients"] = [None if g is None else numbers(g) for g in first]
            again = [weighted(g, torch.sin) for g in first if g is not None and g.requires_grad]
            if again:
                try:
                    second = torch.autograd.grad(sum(again), leaves, allow_unused=True)
                    case["second"] = [None if g is None else numbers(g) for g in second]
                except RuntimeError:
                    pass
        cases.append(case)
    return cases


if __name__ == "__main__":
    print(json.dumps({"torch": torch.__version__, "cases": all_cases()}, separators=(",", ":")))
