"""Makes randomCalls.json: random calls with random shapes and options, with PyTorch in float64 and float32.

    python test/golden/randomCalls.py 400 1 > test/golden/randomCalls.json        # how many, the seed

A case holds our call ("x.name": a method of the first input, "F.name": of functional, else an export), its arguments ("$": the place of an
input), the outputs and the gradients of the sum over outputs of output * w, w_i = cos(i + 1), in float64, and the largest error of
PyTorch's own float32 relative to the largest number: what float32 loses here.
"""
import json
import random
import sys

import torch
import torch.nn.functional as F

count, seed = (int(value) for value in sys.argv[1:3]) if __name__ == "__main__" else (0, 1)
rng = random.Random(seed)
torch.manual_seed(seed)


def r(*shape, low=-2.0, high=2.0):
    return torch.round((torch.rand(*shape, dtype=torch.float64) * (high - low) + low) * 100) / 100


def ints(low, high, *shape):
    return torch.randint(low, high, shape)


def size(low=1, high=6):
    return rng.randint(low, high)


def shape(least=1, most=4):
    return [size() for _ in range(rng.randint(least, most))]


def dim_of(s):
    return rng.randrange(-len(s), len(s))


def some(*values):
    return rng.choice(values)


def arg(k):
    return {"$": k}


def unary():
    name, ours = some(("exp", "exp"), ("tanh", "tanh"), ("sigmoid", "sigmoid"), ("erf", "erf"), ("sin", "sin"), ("cos", "cos"), ("atan", "atan"), ("abs", "abs"),
                      ("square", "square"), ("neg", "neg"), ("expm1", "expm1"), ("relu", "relu"))
    return f"x.{ours}", [], [r(*shape())], lambda x: getattr(x, name)()


def positive():
    name = some("log", "sqrt", "rsqrt", "log1p", "reciprocal")
    return f"x.{name}", [], [r(*shape(), low=0.05, high=4)], lambda x: getattr(x, name)()


def binary():
    s = shape()
    other = [rng.choice([1, d]) for d in s][rng.randint(0, len(s) - 1):]
    name = some("add", "sub", "mul", "maximum", "minimum", "atan2", "div", "remainder", "pow")
    x, y = r(*s, low=0.1 if name == "pow" else -2), r(*other)
    if name in ("div", "remainder"):
        y = torch.where(y.abs() < 0.2, torch.full_like(y, 0.7), y)
    return f"x.{name}", [arg(1)], [x, y], lambda x, y: getattr(x, name)(y)


def compare():
    name = some("eq", "ne", "lt", "le", "gt", "ge")
    s = shape()
    return f"x.{name}", [arg(1)], [torch.round(r(*s)), torch.round(r(*s))], lambda x, y: getattr(x, name)(y)


def dims_of(s):
    dims = rng.sample(range(len(s)), rng.randint(1, len(s)))
    return [d - len(s) if rng.random() < 0.5 else d for d in dims]


def reduction():
    s = shape()
    dims, keep = dims_of(s), rng.random() < 0.5
    name = some("sum", "mean", "amax", "amin", "logsumexp")
    return f"x.{name}", [dims, keep], [r(*s)], lambda x: getattr(x, name)(dims, keep)


def spread():
    s = [size(2, 6) for _ in range(rng.randint(1, 3))]
    d, correction, keep = dim_of(s), some(0, 1), rng.random() < 0.5
    name = some("var", "std")
    return f"x.{ {'var': 'variance', 'std': 'std'}[name] }", [d, {"correction": correction, "keepdim": keep}], [r(*s)], lambda x: getattr(x, name)(d, correction=correction, keepdim=keep)


def along():
    s = shape()
    d = dim_of(s)
    name, ours = some(("softmax", "softmax"), ("log_softmax", "logSoftmax"), ("cumsum", "cumsum"))
    return f"x.{ours}", [d], [r(*s)], lambda x: getattr(x, name)(d)


def prod():
    s = shape()
    d, keep = dim_of(s), rng.random() < 0.5
    return "x.prod", [d, keep], [r(*s)], lambda x: x.prod(d, keep)


def sorting():
    s = shape()
    d, descending = dim_of(s), rng.random() < 0.5
    x = torch.randperm(int(torch.tensor(s).prod())).double().reshape(s) / 8
    return "x.sort", [d, {"descending": descending}], [x], lambda x: list(torch.sort(x, dim=d, descending=descending))


def topk():
    s = shape()
    d = dim_of(s)
    k, largest = rng.randint(1, s[d]), rng.random() < 0.5
    x = torch.randperm(int(torch.tensor(s).prod())).double().reshape(s) / 8
    return "x.topk", [k, d, {"largest": largest}], [x], lambda x: list(x.topk(k, d, largest))


def movement():
    s = shape(2, 4)
    kind = some("transpose", "permute", "flip", "repeat", "expand", "flatten", "slice", "narrow", "pad", "tril", "triu")
    x = r(*s)
    if kind == "transpose":
        a, b = dim_of(s), dim_of(s)
        return "x.transpose", [a, b], [x], lambda x: x.transpose(a, b)
    if kind == "permute":
        order = rng.sample(range(len(s)), len(s))
        return "x.permute", [order], [x], lambda x: x.permute(order)
    if kind == "flip":
        dims = dims_of(s)
        return "x.flip", [dims], [x], lambda x: x.flip(dims)
    if kind == "repeat":
        times = [size(1, 3)] * rng.randint(0, 1) + [size(1, 3) for _ in s]
        return "x.repeat", [times], [x], lambda x: x.repeat(times)
    if kind == "expand":
        target = [size(2, 3)] + [-1 for _ in s]
        return "x.expand", [target], [x], lambda x: x.expand(target)
    if kind == "flatten":
        a = rng.randrange(len(s))
        b = rng.randrange(a, len(s))
        return "x.flatten", [a, b - len(s)], [x], lambda x: x.flatten(a, b)
    if kind == "slice":
        d = rng.randrange(len(s))
        start, end, step = rng.randint(-s[d], s[d]), rng.randint(-s[d], s[d] + 2), size(1, 3)
        return "x.slice", [d, start, end, step], [x], lambda x: x[(slice(None),) * d + (slice(start, end, step),)]
    if kind == "narrow":
        d = rng.randrange(len(s))
        start = rng.randrange(s[d])
        length = rng.randint(0, s[d] - start)
        return "x.narrow", [d, start, length], [x], lambda x: x.narrow(d, start, length)
    if kind == "pad":
        pads = [(rng.randint(0, 2), rng.randint(0, 2)) for _ in s]
        flat = [n for pair in reversed(pads) for n in pair]
        return "x.pad", [[list(p) for p in pads], 0.5], [x], lambda x: F.pad(x, flat, value=0.5)
    k = rng.randint(-2, 2)
    return f"x.{kind}", [k], [x], lambda x: getattr(x, kind)(k)


def gather():
    s = shape(1, 3)
    d = dim_of(s)
    own = [rng.randint(1, n) for n in s]
    own[d] = size()
    index = ints(0, s[d], *own)
    if rng.random() < 0.5:
        return "x.gather", [d, arg(1)], [r(*s), index], lambda x, i: x.gather(d, i)
    return "x.scatterAdd", [d, arg(1), arg(2)], [r(*s), index, r(*own)], lambda x, i, v: x.scatter_add(d, i, v)


def select():
    s = shape(1, 3)
    d = dim_of(s)
    return "x.indexSelect", [d, arg(1)], [r(*s), ints(0, s[d], size())], lambda x, i: x.index_select(d, i)


def joins():
    s = shape(1, 3)
    d = dim_of(s)
    if rng.random() < 0.5:
        return "stack", [[arg(0), arg(1)], d], [r(*s), r(*s)], lambda x, y: torch.stack([x, y], d)
    other = list(s)
    other[d] = size()
    return "cat", [[arg(0), arg(1)], d], [r(*s), r(*other)], lambda x, y: torch.cat([x, y], d)


def matmul():
    m, k, n = size(1, 9), size(1, 17), size(1, 9)
    batch = shape(0, 2)
    a, b = [rng.choice([1, d]) for d in batch] + [m, k], batch[rng.randint(0, len(batch)):] + [k, n]
    if rng.random() < 0.2:
        a = [k]
    if rng.random() < 0.2:
        b = [k]
    return "x.matmul", [arg(1)], [r(*a), r(*b)], torch.matmul


def einsum():
    i, j, k, b = (size() for _ in range(4))
    equation, shapes = some(("ij,jk->ik", [(i, j), (j, k)]), ("bij,bkj->bik", [(b, i, j), (b, k, j)]), ("ij,ij->j", [(i, j), (i, j)]), ("bi,j->bij", [(b, i), (j,)]), ("...i,ij->...j", [(b, k, i), (i, j)]))
    return "einsum", [equation, arg(0), arg(1)], [r(*s) for s in shapes], lambda x, y: torch.einsum(equation, x, y)


def conv():
    rank, groups = some(1, 2), some(1, 1, 2)
    kernel = [size(1, 3) for _ in range(rank)]
    options = {"stride": size(1, 2), "padding": size(0, 2), "dilation": size(1, 2), "groups": groups}
    x = r(size(1, 2), 2 * groups, *[size(7, 9) for _ in range(rank)])
    w, b = r(2 * groups, 2, *kernel), r(2 * groups)
    torch_fn = F.conv1d if rank == 1 else F.conv2d
    return f"F.conv{rank}d", [arg(0), arg(1), arg(2), options], [x, w, b], lambda x, w, b: torch_fn(x, w, b, **options)


def transposed():
    rank, groups, stride = some(1, 2), some(1, 2), size(1, 3)
    kernel = [size(2, 3) for _ in range(rank)]
    padding, extra = size(0, 1), rng.randint(0, stride - 1)
    x = r(size(1, 2), 2 * groups, *[size(3, 5) for _ in range(rank)])
    w = r(2 * groups, size(1, 2), *kernel)
    torch_fn = F.conv_transpose1d if rank == 1 else F.conv_transpose2d
    return (f"F.convTranspose{rank}d", [arg(0), arg(1), None, {"stride": stride, "padding": padding, "outputPadding": extra, "groups": groups}], [x, w],
            lambda x, w: torch_fn(x, w, None, stride=stride, padding=padding, output_padding=extra, groups=groups))


def pool():
    rank, kernel = some(1, 2), size(1, 3)
    stride, padding, ceil = size(1, 3), rng.randint(0, kernel // 2), rng.random() < 0.4
    s = [2, 2] + [size(5, 8) for _ in range(rank)]
    x = torch.randperm(int(torch.tensor(s).prod())).double().reshape(s) / 16
    if rng.random() < 0.5:
        dilation = size(1, 2)
        fn = F.max_pool1d if rank == 1 else F.max_pool2d
        return (f"F.maxPool{rank}d", [arg(0), kernel, {"stride": stride, "padding": padding, "dilation": dilation, "ceilMode": ceil}], [x],
                lambda x: fn(x, kernel, stride, padding, dilation, ceil))
    include = rng.random() < 0.5
    fn = F.avg_pool1d if rank == 1 else F.avg_pool2d
    return (f"F.avgPool{rank}d", [arg(0), kernel, {"stride": stride, "padding": padding, "ceilMode": ceil, "countIncludePad": include}], [x],
            lambda x: fn(x, kernel, stride, padding, ceil, include))


def resize():
    rank = some(1, 2)
    x = r(1, 2, *[size(2, 6) for _ in range(rank)])
    mode = some("nearest", "linear" if rank == 1 else "bilinear")
    ours, theirs = {"mode": mode}, {"mode": mode}
    if mode != "nearest":
        ours["alignCorners"] = theirs["align_corners"] = rng.random() < 0.5
    if rng.random() < 0.5:
        ours["scaleFactor"] = theirs["scale_factor"] = some(0.5, 1.5, 2, 2.3, 0.7)
    else:
        wanted = [size(1, 9) for _ in range(rank)]
        ours["size"] = theirs["size"] = wanted
    return "F.interpolate", [arg(0), ours], [x], lambda x: F.interpolate(x, **theirs)


def norms():
    kind = some("layer", "group", "instance", "batch", "rms")
    if kind == "layer":
        s = shape(1, 2) + [size(2, 6)]
        return "F.layerNorm", [arg(0), [s[-1]], arg(1), arg(2)], [r(*s), r(s[-1]), r(s[-1])], lambda x, w, b: F.layer_norm(x, [s[-1]], w, b)
    if kind == "rms":
        s = shape(1, 2) + [size(2, 6)]
        return "F.rmsNorm", [arg(0), [s[-1]], arg(1), 1e-5], [r(*s), r(s[-1])], lambda x, w: F.rms_norm(x, [s[-1]], w, 1e-5)
    if kind == "group":
        groups = size(1, 3)
        return "F.groupNorm", [arg(0), groups, arg(1), arg(2)], [r(2, 2 * groups, 3), r(2 * groups), r(2 * groups)], lambda x, w, b: F.group_norm(x, groups, w, b)
    c = size(1, 4)
    if kind == "instance":
        return "F.instanceNorm", [arg(0)], [r(2, c, 5)], lambda x: F.instance_norm(x)
    return "F.batchNorm", [arg(0), None, None, {"weight": arg(1), "bias": arg(2), "training": True}], [r(4, c, 3), r(c), r(c)], lambda x, w, b: F.batch_norm(x, None, None, w, b, True)


def pointwise_loss():
    s, reduction = shape(1, 3), some("none", "mean", "sum")
    name, fn, more, theirs = some(("mse", F.mse_loss, {}, {}), ("l1", F.l1_loss, {}, {}), ("huber", F.huber_loss, {"delta": 0.7}, {"delta": 0.7}), ("smoothL1", F.smooth_l1_loss, {"beta": 0.4}, {"beta": 0.4}),
                                  ("bceWithLogits", F.binary_cross_entropy_with_logits, {}, {}), ("poissonNll", F.poisson_nll_loss, {}, {}))
    y = r(*s, low=0, high=1) if name in ("bceWithLogits", "poissonNll") else r(*s)
    return f"F.{name}", [arg(0), arg(1), {"reduction": reduction, **more}], [r(*s), y], lambda x, y: fn(x, y, reduction=reduction, **theirs)


def class_loss():
    n, c, extra = size(1, 6), size(2, 6), shape(0, 1)
    reduction, smoothing = some("none", "mean", "sum"), some(0.0, 0.1, 0.3)
    t = ints(0, c, n, *extra)
    weight = r(c, low=0.2, high=2)
    if rng.random() < 0.5:
        return ("F.crossEntropy", [arg(0), arg(1), {"reduction": reduction, "labelSmoothing": smoothing, "weight": arg(2)}], [r(n, c, *extra), t, weight],
                lambda x, t, w: F.cross_entropy(x, t, w.detach(), reduction=reduction, label_smoothing=smoothing))
    return "F.nll", [arg(0), arg(1), {"reduction": reduction, "ignoreIndex": 1}], [r(n, c, *extra), torch.where(t == 1, 0, t)], lambda x, t: F.nll_loss(x, t, reduction=reduction, ignore_index=1)


def activation():
    name, ours = some(("gelu", "gelu"), ("silu", "silu"), ("mish", "mish"), ("elu", "elu"), ("selu", "selu"), ("softplus", "softplus"), ("softsign", "softsign"), ("hardswish", "hardswish"),
                      ("hardtanh", "hardtanh"), ("leaky_relu", "leakyRelu"), ("logsigmoid", "logSigmoid"), ("celu", "celu"), ("tanhshrink", "tanhshrink"), ("softshrink", "softshrink"))
    return f"F.{ours}", [arg(0)], [r(*shape(), low=-4, high=4)], lambda x: getattr(F, name)(x)


def attention():
    b, h, t, s, d = size(1, 2), size(1, 2), size(1, 5), size(1, 5), size(1, 6)
    causal = rng.random() < 0.5
    return ("F.scaledDotProductAttention", [arg(0), arg(1), arg(2), {"isCausal": causal}], [r(b, h, t, d), r(b, h, s, d), r(b, h, s, d)],
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=causal))


def lookups():
    n, d = size(2, 6), size(1, 4)
    return "F.embedding", [arg(0), arg(1)], [ints(0, n, *shape(1, 2)), r(n, d)], F.embedding


def folds():
    kernel, stride, padding, dilation = [size(1, 3), size(1, 3)], size(1, 2), size(0, 1), size(1, 2)
    x = r(1, 2, size(6, 8), size(6, 8))
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    return "F.unfold", [arg(0), kernel, options], [x], lambda x: F.unfold(x, kernel, **options)


def linear():
    i, o = size(1, 9), size(1, 9)
    return "F.linear", [arg(0), arg(1), arg(2)], [r(*shape(0, 2), i), r(o, i), r(o)], F.linear


def distances():
    m, n, d, p = size(), size(), size(), some(1, 2, 3, 1.5)
    return "F.cdist", [arg(0), arg(1), p], [r(m, d), r(n, d) + 0.003], lambda x, y: torch.cdist(x, y, p)


def clamp():
    low, high = some(-1, -0.5), some(0.5, 1)
    return "x.clamp", [low, high], [r(*shape()) + 0.003], lambda x: x.clamp(low, high)


makers = [unary, positive, binary, compare, reduction, spread, along, prod, sorting, topk, movement, gather, select, joins, matmul, einsum, conv, transposed, pool, resize, norms,
          pointwise_loss, class_loss, activation, attention, lookups, folds, linear, distances, clamp]


def numbers(t):
    return [x if isinstance(x, int) else float(f"{x:.11g}") for x in (t.int() if t.dtype == torch.bool else t).detach().reshape(-1).tolist()]


def data(t):
    return {"shape": list(t.shape), "dtype": "float64" if t.is_floating_point() else "bool" if t.dtype == torch.bool else "int32", "data": numbers(t)}


def evaluate(fn, inputs, dtype):
    held = [x.detach().clone().to(dtype).requires_grad_() if x.is_floating_point() else x for x in inputs]
    out = fn(*held)
    outputs = out if isinstance(out, list) else [out]
    total = sum((o * torch.cos(torch.arange(1, o.numel() + 1, dtype=torch.float64)).to(dtype).reshape(o.shape)).sum() for o in outputs if o.is_floating_point())
    if isinstance(total, torch.Tensor) and total.requires_grad:
        total.backward()
    return outputs, [x.grad if x.is_floating_point() else None for x in held]


def lost(exact, rounded):
    """The largest error relative to the largest number."""
    worst = 0.0
    for a, b in zip(exact, rounded):
        if a is None or b is None or a.numel() == 0 or not a.is_floating_point():
            continue
        worst = max(worst, float((a - b.double()).abs().max() / a.abs().max().clamp(min=1e-3)))
    return worst


cases = []
while len(cases) < count:
    call, args, inputs, fn = makers[len(cases) % len(makers)]()
    outputs, gradients = evaluate(fn, inputs, torch.float64)
    small, small_gradients = evaluate(fn, inputs, torch.float32)
    error = max(lost([o.detach() for o in outputs], [o.detach() for o in small]), lost(gradients, small_gradients))
    cases.append({"call": call, "args": args, "inputs": [data(x) for x in inputs], "outputs": [data(o) for o in outputs],
                  "gradients": [None if g is None else numbers(g) for g in gradients], "float32Error": float(f"{error:.3g}")})

if __name__ == "__main__":
    print(json.dumps({"torch": torch.__version__, "seed": seed, "cases": cases}, separators=(",", ":")))
