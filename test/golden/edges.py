"""Makes edges.json: values and slopes of tensor and nn functions at edges (ties, kinks, NaN, infinities, empty and 0-d
tensors, odd scales), computed with PyTorch in float64.

    python test/golden/edges.py > test/golden/edges.json

A case says how we call it: ".sum" is a method of the first input, other names are functions; "$0" in the arguments stands for an
input. It contains the outputs and the gradient of sum(output * w), w_i = cos(i + 1), for each float input; or, where PyTorch
refuses, "error".
"""
import json
import torch
import torch.nn.functional as F

torch.manual_seed(12)
torch.set_default_dtype(torch.float64)
inf, nan = float("inf"), float("nan")
cases = []


def number(x):
    x = float(x)
    return x if x == x and abs(x) != inf else {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[str(x)]


def numbers(t):
    return [number(float(f"{float(x):.17g}")) for x in t.detach().reshape(-1).tolist()]


def data(t):
    dtype = "float64" if t.dtype.is_floating_point else "bool" if t.dtype == torch.bool else "int32"
    return {"shape": list(t.shape), "dtype": dtype, "data": numbers(t)}


def argument(a):
    if isinstance(a, float) and (a != a or abs(a) == inf):
        return number(a)
    if isinstance(a, (list, tuple)):
        return [argument(x) for x in a]
    if isinstance(a, dict):
        return {k: argument(v) for k, v in a.items()}
    return a


def tensors_in(out):
    return [out] if isinstance(out, torch.Tensor) else [t for part in out for t in tensors_in(part)]


def case(name, call, args, inputs, function, slopes=True):
    """`call(*args)` in our words is `function(*inputs)` in PyTorch's. Without `slopes` only values are kept."""
    inputs = [torch.as_tensor(x) for x in inputs]
    held = {"name": name, "call": call, "args": argument(args), "inputs": [data(x) for x in inputs]}
    cases.append(held)
    leaves = [x.clone().requires_grad_() if x.dtype.is_floating_point else x for x in inputs]
    try:
        outs = tensors_in(function(*leaves))
    except (RuntimeError, ValueError, IndexError) as error:
        held["error"] = str(error).split("\n")[0]
        return
    held["outputs"] = [data(out) for out in outs]
    total = None
    for out in outs:
        if not out.requires_grad:
            continue
        w = torch.cos(torch.arange(1, out.numel() + 1)).reshape(out.shape)
        total = (out * w).sum() if total is None else total + (out * w).sum()
    held["gradients"] = [None] * len(inputs)
    if total is None or not slopes:
        return
    floats = [x for x in leaves if x.dtype.is_floating_point]
    found = iter(torch.autograd.grad(total, floats, allow_unused=True))
    for place, x in enumerate(leaves):
        if x.dtype.is_floating_point:
            g = next(found)
            held["gradients"][place] = None if g is None else numbers(g)


def r(*shape):
    """Two decimals keep the file small and are exact on both sides."""
    return torch.round(torch.randn(*shape) * 100) / 100


# ── interpolate ──────────────────────────────────────────────────────────────────────────────────────────────────────

def resize(x, **options):
    ours = {{"scale_factor": "scaleFactor", "align_corners": "alignCorners",
             "recompute_scale_factor": "recomputeScaleFactor"}.get(k, k): v for k, v in options.items()}
    text = ", ".join(f"{k}: {v}" for k, v in ours.items())
    case(f"interpolate {list(x.shape)} {text}", "interpolate", ["$0", ours], [x], lambda x: F.interpolate(x, **options),
         # PyTorch's slope is then that of the identity, its value is not.
         slopes=not (options.get("mode") == "nearest" and options.get("scale_factor") == 1.1))


resize(torch.arange(5.).reshape(1, 1, 5), scale_factor=1.5, mode="linear")
row, image = r(2, 1, 5), r(1, 2, 5, 4)
for mode in ["nearest", "nearest-exact", "linear", "area"]:
    corners = [{"align_corners": c} for c in (False, True)] if mode == "linear" else [{}]
    for more in corners:
        for factor in [1.5, 2.6, 1.1, 0.7, 0.45, 2, 3, 1]:
            resize(row, scale_factor=factor, mode=mode, **more)
        for size in [1, 3, 5, 8, 10]:
            resize(row, size=size, mode=mode, **more)
    resize(row, scale_factor=1.7, mode=mode, recompute_scale_factor=True)
for mode in ["nearest", "nearest-exact", "bilinear", "bicubic", "area"]:
    corners = [{"align_corners": c} for c in (False, True)] if mode in ("bilinear", "bicubic") else [{}]
    for more in corners:
        for factor in [1.5, (0.6, 2.3), (1.25, 0.5), 2, 1]:
            resize(image, scale_factor=factor, mode=mode, **more)
        for size in [(7, 3), (1, 1), (5, 4), 9]:
            resize(image, size=size, mode=mode, **more)
    resize(image, scale_factor=(1.3, 0.8), mode=mode, recompute_scale_factor=True)
for factor in [1.5, 2.6, 1.1, 0.7]:
    resize(torch.arange(20).reshape(1, 1, 20).float().double(), scale_factor=factor, mode="nearest")


# ── one element at a time ────────────────────────────────────────────────────────────────────────────────────────────

points = torch.tensor([nan, inf, -inf, 0., -0., 1., -1., 0.5, -0.5, 2., -3., 3., 6., 20., 25., 80., -80., 1e-3])
finite = torch.tensor([nan, 0., 1., -1., 0.5, -0.5, 2., -3., 3., 6., 20., 25., 80., -80., 1e-3])


def method(name, args, x, function, **more):
    if name == "norm" and args:
        # The order comes before the dims.
        args = [2, *args]
    case(f".{name} {list(x.shape)} {args}", f".{name}", args, [x], function, **more)


def function(name, args, x, torchs, **more):
    case(f"{name} {list(x.shape)} {args[1:]}", name, args, [x], torchs, **more)


for name in ["neg", "abs", "sign", "floor", "ceil", "round", "trunc", "exp", "expm1", "log", "log1p", "sqrt", "rsqrt",
             "reciprocal", "square", "atan", "tanh", "sigmoid", "erf", "relu", "isnan", "isinf", "isfinite"]:
    method(name, [], points, getattr(torch, name))
for name in ["sin", "cos", "tan"]:
    method(name, [], torch.tensor([nan, 0., 1., -3., 6.]), getattr(torch, name))
for low, high in [(0., 1.), (-1., None), (None, 2.), (1., -1.), (-inf, inf)]:
    method("clamp", [low, high], points, lambda x: torch.clamp(x, low, high))
# hardsigmoid by its formula: PyTorch's own slope is a sixth in float32.
activations = {
    "relu": (F.relu, []), "relu6": (F.relu6, []), "leakyRelu": (lambda x: F.leaky_relu(x, 0.1), [0.1]),
    "elu": (lambda x: F.elu(x, 1.5), [1.5]), "selu": (F.selu, []), "celu": (lambda x: F.celu(x, 1.5), [1.5]),
    "silu": (F.silu, []), "mish": (F.mish, []), "softplus": (lambda x: F.softplus(x, 2, 20), [2, 20]), "softsign": (F.softsign, []),
    "hardsigmoid": (lambda x: F.relu6(x + 3) / 6, []), "hardtanh": (lambda x: F.hardtanh(x, -1, 2), [-1, 2]), "hardswish": (F.hardswish, []),
    "logSigmoid": (F.logsigmoid, []), "hardshrink": (lambda x: F.hardshrink(x, 0.5), [0.5]),
    "softshrink": (lambda x: F.softshrink(x, 0.5), [0.5]), "tanhshrink": (F.tanhshrink, []),
    "threshold": (lambda x: F.threshold(x, 0.5, 7.), [0.5, 7]), "gelu": (F.gelu, []), "sigmoid": (torch.sigmoid, []), "tanh": (torch.tanh, []),
}
for name, (torchs, args) in activations.items():
    function(name, ["$0", *args], points, torchs)
    function(name, ["$0", *args], finite, torchs)
    function(name, ["$0", *args], torch.zeros(0, 2), torchs)
    function(name, ["$0", *args], torch.tensor(0.5), torchs)
function("gelu", ["$0", "tanh"], finite, lambda x: F.gelu(x, approximate="tanh"))
case("prelu", "prelu", ["$0", "$1"], [finite, torch.tensor([0.25])], F.prelu)

left = torch.tensor([nan, 1., nan, inf, -inf, inf, 0., -0., 1., 2., 2., -2., 0., 0., -1.5])
right = torch.tensor([1., nan, nan, inf, inf, 1., 0., 0., 0., 2., 0.5, 0.5, 2., -1., 2.])
for name in ["add", "sub", "mul", "div", "pow", "remainder", "maximum", "minimum", "atan2", "eq", "ne", "lt", "le", "gt", "ge"]:
    case(f".{name} edges", f".{name}", ["$1"], [left, right], getattr(torch, name))
for exponent in [0, 1, 2, 3, 0.5, -1, -2, 1.5]:
    # PyTorch computes x^0.5 as a root and x^-0.5 as its inverse, which differ from powers at -inf and -0.
    bases = points if exponent not in (0.5, 1.5) else torch.cat([points[:2], points[3:4], points[5:]])
    method("pow", [exponent], bases, lambda x: torch.pow(x, exponent))
case("where NaN", "where", ["$0", "$1", "$2"], [torch.tensor([True, False, True]), torch.tensor([nan, nan, 1.]), torch.tensor([1., 2., nan])], torch.where)

# ── reductions ───────────────────────────────────────────────────────────────────────────────────────────────────────

reductions = {"sum": torch.sum, "mean": torch.mean, "amax": torch.amax, "amin": torch.amin, "any": torch.any, "all": torch.all,
              "variance": torch.var, "std": torch.std, "logsumexp": torch.logsumexp, "norm": torch.linalg.vector_norm}

table = torch.tensor([[1., 2., 2.], [-1., 0.5, -1.]])
for name, reduce in reductions.items():
    # PyTorch refuses [] for logsumexp without keepdim, by mistake.
    if name != "logsumexp":
        # PyTorch divides by the wrong number in the slope of a variance over [].
        method(name, [[]], table, lambda x: reduce(x, dim=[]), slopes=name not in ("variance", "std"))
        method(name, [[]], torch.tensor(3.), lambda x: reduce(x, dim=[]))
    for dim in [0, -1, 1, [0]]:
        method(name, [dim], torch.tensor(3.), lambda x: reduce(x, dim=dim))
    for shape in [(2, 0), (0, 3), (0,)]:
        for dim in range(len(shape)):
            method(name, [dim], torch.zeros(shape), lambda x: reduce(x, dim=dim))
    for dim in [0, 1, [0, 1]]:
        method(name, [dim], table, lambda x: reduce(x, dim=dim))
        method(name, [dim, True if name not in ("variance", "std") else {"keepdim": True}], table, lambda x: reduce(x, dim=dim, keepdim=True))
    # The slope of logsumexp where everything is -inf is 0 here, NaN in PyTorch.
    rows = 3 if name == "logsumexp" else 4
    method(name, [1], torch.tensor([[nan, 1., 2.], [inf, 1., inf], [-inf, 1., -inf], [-inf, -inf, -inf]])[:rows], lambda x: reduce(x, dim=1))
    method(name, [1], torch.tensor([[2., 2., 2.], [0., 0., 0.]]), lambda x: reduce(x, dim=1))
# The slopes are softmax(x): PyTorch's exp(x - logsumexp(x)) loses digits next to 1e8, in float32 all of them.
method("logsumexp", [1], torch.tensor([[1e8, 1e8, 0.]]),
       lambda x: torch.logsumexp(x, 1).detach() + (torch.softmax(x, 1).detach() * (x - x.detach())).sum(1))
for name in ["prod", "argmax", "argmin", "cumsum", "softmax", "logSoftmax", "sort", "argsort"]:
    reduce = {"logSoftmax": torch.log_softmax}.get(name) or getattr(torch, name)
    for dim in [0, -1, 1]:
        method(name, [dim], torch.tensor(3.), lambda x: reduce(x, dim))
    for shape in [(2, 0), (0, 3), (0,)]:
        for dim in range(len(shape)):
            method(name, [dim], torch.zeros(shape), lambda x: reduce(x, dim))
    method(name, [1], table, lambda x: reduce(x, 1, stable=True) if "sort" in name else reduce(x, 1)) if "sort" not in name else \
        method(name, [1], table, lambda x: torch.sort(x, dim=1, stable=True) if name == "sort" else torch.argsort(x, dim=1, stable=True))
    if name not in ("sort", "argsort"):
        method(name, [1], torch.tensor([[nan, 1., 2.], [inf, 1., 0.], [-inf, 1., 0.]]), lambda x: reduce(x, 1))
for name in ["softmax", "logSoftmax"]:
    reduce = {"logSoftmax": torch.log_softmax}.get(name) or getattr(torch, name)
    method(name, [1], torch.tensor([[1e8, 1e8, 0.], [-inf, 0., -inf], [-1e8, 0., 1e8]]), lambda x: reduce(x, 1))
for x, k, dim in [(torch.tensor(3.), 1, 0), (torch.tensor(3.), 1, -1), (torch.zeros(2, 0), 0, 1), (torch.zeros(2, 0), 1, 0),
                  (torch.zeros(0, 3), 0, 0), (torch.zeros(0, 3), 1, 0), (torch.tensor(3.), 2, 0), (torch.tensor([nan, 1., inf, 2.]), 2, 0)]:
    method("topk", [k, dim], x, lambda x: torch.topk(x, k, dim))
for name in ["sum", "mean", "prod", "variance", "std", "norm"]:
    reduce = {"variance": torch.var, "norm": torch.linalg.vector_norm}.get(name) or getattr(torch, name)
    method(name, [], torch.zeros(2, 0), lambda x: reduce(x))
    method(name, [], torch.tensor(3.), lambda x: reduce(x))
for name in ["amax", "amin", "argmax", "argmin"]:
    method(name, [], torch.zeros(2, 0), lambda x: getattr(torch, name)(x))
for correction in [0, 1, 2, 0.5]:
    for name, reduce in [("variance", torch.var), ("std", torch.std)]:
        method(name, [1, {"correction": correction}], table, lambda x: reduce(x, dim=1, correction=correction))

# ── shapes of scalars and of nothing ─────────────────────────────────────────────────────────────────────────────────

scalar, nothing = torch.tensor(3.), torch.zeros(2, 0)
for x in [scalar, nothing]:
    method("flatten", [], x, torch.flatten)
    method("unsqueeze", [0], x, lambda x: x.unsqueeze(0))
    method("unsqueeze", [-1], x, lambda x: x.unsqueeze(-1))
    method("squeeze", [], x, torch.squeeze)
    method("squeeze", [0], x, lambda x: x.squeeze(0))
    method("flip", [[0]], x, lambda x: x.flip(0))
    method("t", [], x, lambda x: x.t())
    method("repeat", [[2, 3]], x, lambda x: x.repeat(2, 3))
method("transpose", [0, -1], scalar, lambda x: x.transpose(0, -1))
method("permute", [[]], scalar, lambda x: x.permute([]))
method("expand", [[3]], scalar, lambda x: x.expand(3))
method("expand", [3, -1], torch.tensor([1., 2.]), lambda x: x.expand(3, -1))
method("reshape", [3, 1], torch.tensor([1., 2., 3.]), lambda x: x.reshape(3, 1))
method("permute", [1, 0], table, lambda x: x.permute(1, 0))
method("flip", [0, 1], table, lambda x: x.flip(0, 1))
method("repeat", [2, 1], table, lambda x: x.repeat(2, 1))
method("squeeze", [1], scalar, lambda x: x.squeeze(1))
for dim in [0, 1]:
    method("flip", [[dim, dim]], table, lambda x: x.flip(dim, dim))
case("gather 0-d", ".gather", [0, "$1"], [scalar, torch.tensor(0)], lambda x, i: x.gather(0, i))
case("indexSelect 0-d", ".indexSelect", [0, "$1"], [scalar, torch.tensor([0])], lambda x, i: x.index_select(0, i))
case("indexSelect of nothing", ".indexSelect", [1, "$1"], [table, torch.zeros(0, dtype=torch.int64)], lambda x, i: x.index_select(1, i))
case("gather of nothing", ".gather", [1, "$1"], [table, torch.zeros(2, 0, dtype=torch.int64)], lambda x, i: x.gather(1, i))
case("scatterAdd 0-d", ".scatterAdd", [0, "$1", "$2"], [scalar, torch.tensor(0), torch.tensor(2.)], lambda x, i, s: x.scatter_add(0, i, s))
case("cat promotes", "cat", [["$0", "$1"]], [torch.tensor([1., 2.]), torch.tensor([3, 4])], lambda a, b: torch.cat([a, b]))
case("cat with nothing", "cat", [["$0", "$1"], 1], [table, torch.zeros(2, 0)], lambda a, b: torch.cat([a, b], 1))
case("cat with [0]", "cat", [["$0", "$1"], 1], [torch.zeros(0), table], lambda a, b: torch.cat([a, b], 1))
case("cat of other dims", "cat", [["$0", "$1"]], [torch.zeros(1), table], lambda a, b: torch.cat([a, b]))
case("cat 0-d", "cat", [["$0", "$1"]], [scalar, scalar], lambda a, b: torch.cat([a, b]))
case("stack 0-d", "stack", [["$0", "$1"]], [scalar, scalar], lambda a, b: torch.stack([a, b]))
case("stack promotes", "stack", [["$0", "$1"]], [scalar, torch.tensor(2)], lambda a, b: torch.stack([a, b]))
for shapes in [((2, 0), (0, 3)), ((0, 3), (3, 2)), ((0,), (0,)), ((2, 0, 3), (3, 2)), ((0, 2, 3), (0, 3, 2))]:
    case(f"matmul {shapes}", ".matmul", ["$1"], [torch.zeros(s) for s in shapes], torch.matmul)

# ── distances and losses ─────────────────────────────────────────────────────────────────────────────────────────────

same = torch.tensor([[1., 2., 3.], [0., 0., 0.], [1., -1., 2.]])
other = torch.tensor([[1., 2., 3.], [0., 1., 0.], [1., 1., -2.]])
for p in [0.5, 1, 1.5, 2, 3, inf]:
    for eps in [0., 1e-6]:
        case(f"pairwiseDistance p {p} eps {eps}", "pairwiseDistance", ["$0", "$1", {"p": p, "eps": eps}], [same, other],
             lambda a, b: F.pairwise_distance(a, b, p=p, eps=eps))
    case(f"cdist p {p}", "cdist", ["$0", "$1", p], [same, other], lambda a, b: torch.cdist(a, b, p=p))
    case(f"normalize p {p}", "normalize", ["$0", {"p": p}], [same], lambda a: F.normalize(a, p=p))
    if p != inf:
        case(f"triplet p {p} eps 0", "triplet", ["$0", "$1", "$2", {"p": p, "eps": 0}], [same, other, same.flip(0)],
             lambda a, b, c: F.triplet_margin_loss(a, b, c, p=p, eps=0))
case("cosineSimilarity of zeros", "cosineSimilarity", ["$0", "$1"], [same, other], F.cosine_similarity)
for p in [1, 1.5, 2, 3]:
    function("lpPool1d", ["$0", p, 2], torch.tensor([[[0., 0., 1., -1., 2., 0.]]]), lambda x: F.lp_pool1d(x, p, 2))

logits = torch.tensor([[nan, nan, nan], [1., 2., -1.], [inf, 0., 1.], [-inf, 0., 1.], [1000., -1000., 0.]])
for reduction in ["none", "sum", "mean"]:
    for ignore in [0, 1]:
        # Row 0 is ignored, and it is all NaN.
        targets = torch.tensor([ignore, 1 - ignore, 2, 2, 2])
        case(f"crossEntropy ignored NaN {ignore} {reduction}", "crossEntropy", ["$0", "$1", {"ignoreIndex": ignore, "reduction": reduction}],
             [logits, targets], lambda x, t: F.cross_entropy(x, t, ignore_index=ignore, reduction=reduction))
        case(f"nll ignored NaN {ignore} {reduction}", "nll", ["$0", "$1", {"ignoreIndex": ignore, "reduction": reduction}],
             [logits, targets], lambda x, t: F.nll_loss(x, t, ignore_index=ignore, reduction=reduction))
    case(f"crossEntropy smoothed, ignored NaN {reduction}", "crossEntropy", ["$0", "$1", {"ignoreIndex": 0, "labelSmoothing": 0.2, "reduction": reduction}],
         [logits[:2], torch.tensor([0, 1])], lambda x, t: F.cross_entropy(x, t, ignore_index=0, label_smoothing=0.2, reduction=reduction))
    case(f"crossEntropy weighted, ignored NaN {reduction}", "crossEntropy", ["$0", "$1", {"ignoreIndex": 0, "weight": "$2", "reduction": reduction}],
         [logits[:2], torch.tensor([0, 1]), torch.tensor([nan, 2., 1.])], lambda x, t, w: F.cross_entropy(x, t, w.detach(), ignore_index=0, reduction=reduction), slopes=False)
x, t = torch.tensor([nan, 0., 1., 0.5, 0.25]), torch.tensor([1., 0., 1., 1., 0.])
pairs = {"bce": F.binary_cross_entropy, "mse": F.mse_loss, "l1": F.l1_loss, "huber": F.huber_loss, "smoothL1": F.smooth_l1_loss,
         "bceWithLogits": F.binary_cross_entropy_with_logits, "klDiv": F.kl_div, "poissonNll": F.poisson_nll_loss,
         "softMargin": F.soft_margin_loss, "hingeEmbedding": F.hinge_embedding_loss}
for name, loss in pairs.items():
    given = x[1:] if name == "bce" else x
    case(f"{name} with NaN", name, ["$0", "$1", {"reduction": "none"}], [given, t[-len(given):]], lambda a, b: loss(a, b.detach(), reduction="none"))
    case(f"{name} of equal values", name, ["$0", "$1", {"reduction": "none"}], [x[1:], x[1:]], lambda a, b: loss(a, b.detach(), reduction="none"))
    case(f"{name} of nothing", name, ["$0", "$1"], [x[:0], t[:0]], lambda a, b: loss(a, b.detach()))
    case(f"{name} 0-d", name, ["$0", "$1"], [x[3], t[3]], lambda a, b: loss(a, b.detach()))

# ── options together ─────────────────────────────────────────────────────────────────────────────────────────────────

block = torch.tensor([[[1., -2., 0.5], [0., 0., 0.], [3., 3., 3.]], [[-1., 2., 4.], [0.25, 0.25, -0.25], [5., -5., 0.]]])
every = {"sum": torch.sum, "mean": torch.mean, "amax": torch.amax, "amin": torch.amin, "variance": torch.var, "std": torch.std, "logsumexp": torch.logsumexp,
         "norm": torch.linalg.vector_norm}
for name, reduce in every.items():
    for dim in [-1, -3, [-1, 0], [0, -2], [-3, -2, -1], [1, 1], [3], -4]:
        for keepdim in [False, True]:
            spread = name in ("variance", "std")
            method(name, [dim, {"keepdim": keepdim} if spread else keepdim], block, lambda x: reduce(x, dim=dim, keepdim=keepdim))
for name, reduce in [("variance", torch.var), ("std", torch.std)]:
    for dim in [-1, [-1, 0], 1]:
        for correction in [0, 0.5, 2, 3]:
            method(name, [dim, {"correction": correction, "keepdim": True}], block, lambda x: reduce(x, dim=dim, correction=correction, keepdim=True))
for name, reduce in [("variance", torch.var), ("std", torch.std)]:
    method(name, [1], torch.full((2, 7), 0.1), lambda x: reduce(x, dim=1))
    method(name, [1], torch.tensor([[1e4, 1e4 + 1, 1e4 + 2], [inf, 1., 2.], [1., inf, 2.], [1., 2., nan]])[:1 if name == "std" else 4], lambda x: reduce(x, dim=1))

for p in [1, 2, 3, 1.5, 0.5, inf]:
    for keepdim in [False, True]:
        case(f"pairwiseDistance p {p} keepdim {keepdim} of one pair", "pairwiseDistance", ["$0", "$1", {"p": p, "keepdim": keepdim}], [same[0], other[2]],
             lambda a, b: F.pairwise_distance(a, b, p=p, keepdim=keepdim))
    for dim in [0, -1]:
        case(f"normalize p {p} dim {dim} eps 0.5", "normalize", ["$0", {"p": p, "dim": dim, "eps": 0.5}], [same], lambda a: F.normalize(a, p=p, dim=dim, eps=0.5))
    case(f"normalize p {p} of nothing", "normalize", ["$0", {"p": p}], [torch.zeros(2, 0)], lambda a: F.normalize(a, p=p))
    case(f"cdist p {p} of nothing", "cdist", ["$0", "$1", p], [torch.zeros(2, 0), torch.zeros(3, 0)], lambda a, b: torch.cdist(a, b, p=p))
    case(f"cdist p {p} of no rows", "cdist", ["$0", "$1", p], [torch.zeros(0, 2), torch.ones(3, 2)], lambda a, b: torch.cdist(a, b, p=p))
for dim in [0, -1]:
    for eps in [0.5, 1e-8]:
        case(f"cosineSimilarity dim {dim} eps {eps}", "cosineSimilarity", ["$0", "$1", dim, eps], [same[::2], other[::2]], lambda a, b: F.cosine_similarity(a, b, dim, eps))

scores, classes = torch.tensor([[1., 2., -1.], [0., 0., 0.], [3., -3., 0.5], [0.25, 0.5, 1.]]), torch.tensor([2, 0, 1, 1])
weights = torch.tensor([0.5, 2., 0.])
images, places = torch.stack([scores, scores.flip(0)]).transpose(1, 2).contiguous(), torch.stack([classes, classes.flip(0)])
for reduction in ["none", "sum", "mean"]:
    for ignore in [-100, 1]:
        for t, what in [(classes, "some"), (torch.full((4,), ignore if ignore >= 0 else 0), "one class")]:
            for smoothing in [0., 0.3, 1.]:
                options = {"reduction": reduction, "ignoreIndex": ignore, "labelSmoothing": smoothing}
                theirs = {"reduction": reduction, "ignore_index": ignore, "label_smoothing": smoothing}
                # Without labels PyTorch's weighted slopes are partly those of 0 / 0.
                case(f"crossEntropy {what} {options}", "crossEntropy", ["$0", "$1", options], [scores, t], lambda x, t: F.cross_entropy(x, t, **theirs))
                case(f"crossEntropy weighted {what} {options}", "crossEntropy", ["$0", "$1", {**options, "weight": "$2"}], [scores, t, weights],
                     lambda x, t, w: F.cross_entropy(x, t, w.detach(), **theirs))
        case(f"nll weighted, images, {reduction}, ignored {ignore}", "nll", ["$0", "$1", {"reduction": reduction, "ignoreIndex": ignore, "weight": "$2"}], [images, places, weights],
             lambda x, t, w: F.nll_loss(x, t, w.detach(), reduction=reduction, ignore_index=ignore))
        case(f"nll, all ignored, {reduction}", "nll", ["$0", "$1", {"reduction": reduction, "ignoreIndex": ignore}], [scores, torch.full((4,), 1)],
             lambda x, t: F.nll_loss(x, t, reduction=reduction, ignore_index=ignore))
    shares = torch.softmax(scores, 1).detach()
    for smoothing in [0., 0.3]:
        case(f"crossEntropy of shares, {reduction}, smoothed {smoothing}", "crossEntropy", ["$0", "$1", {"reduction": reduction, "labelSmoothing": smoothing, "weight": "$2"}],
             [scores, shares, weights], lambda x, t, w: F.cross_entropy(x, t.detach(), w.detach(), reduction=reduction, label_smoothing=smoothing))
    case(f"bce weighted {reduction}", "bce", ["$0", "$1", {"reduction": reduction, "weight": "$2"}], [torch.tensor([0., 1., 0.5, 1.]), torch.tensor([0., 0., 0.3, 1.]), torch.tensor([1., 2., 0.5, 0.])],
         lambda x, t, w: F.binary_cross_entropy(x, t.detach(), w.detach(), reduction=reduction))
    case(f"bceWithLogits weighted {reduction}", "bceWithLogits", ["$0", "$1", {"reduction": reduction, "weight": "$2", "posWeight": "$3"}],
         [scores, shares, torch.tensor([1., 0., 3.]), torch.tensor([2., 0.5, 1.])],
         lambda x, t, w, p: F.binary_cross_entropy_with_logits(x, t.detach(), w.detach(), reduction=reduction, pos_weight=p.detach()))
    for log_target in [False, True]:
        case(f"klDiv {reduction} logTarget {log_target}", "klDiv", ["$0", "$1", {"reduction": reduction, "logTarget": log_target}], [scores, torch.tensor([[0., 1., 0.], [0.5, 0.5, 0.], [1., 0., 0.], [0., 0., 1.]])],
             lambda x, t: F.kl_div(x, t.detach(), reduction=reduction, log_target=log_target))
    for p in [1, 2]:
        for margin in [0, 1, 2.5]:
            case(f"multiMargin p {p} margin {margin} {reduction}", "multiMargin", ["$0", "$1", {"p": p, "margin": margin, "weight": "$2", "reduction": reduction}], [scores, classes, weights],
                 lambda x, t, w: F.multi_margin_loss(x, t, p, margin, w.detach(), reduction=reduction))
    case(f"multilabelSoftMargin {reduction}", "multilabelSoftMargin", ["$0", "$1", {"weight": "$2", "reduction": reduction}], [scores, (scores > 0).double(), weights],
         lambda x, t, w: F.multilabel_soft_margin_loss(x, t.detach(), w.detach(), reduction=reduction))
    case(f"multilabelMargin {reduction}", "multilabelMargin", ["$0", "$1", {"reduction": reduction}], [scores, torch.tensor([[2, 0, -1], [-1, 1, 0], [0, 1, 2], [1, -1, -1]])],
         lambda x, t: F.multilabel_margin_loss(x, t, reduction=reduction))
    for full in [False, True]:
        for log_input in [False, True]:
            case(f"poissonNll full {full} logInput {log_input} {reduction}", "poissonNll", ["$0", "$1", {"full": full, "logInput": log_input, "eps": 0.1, "reduction": reduction}],
                 [torch.tensor([0., 1., 0.5, 3.]), torch.tensor([0., 1., 2., 5.])], lambda x, t: F.poisson_nll_loss(x, t.detach(), log_input=log_input, full=full, eps=0.1, reduction=reduction))
        case(f"gaussianNll full {full} {reduction}", "gaussianNll", ["$0", "$1", "$2", {"full": full, "eps": 0.3, "reduction": reduction}],
             [scores, scores.flip(0), torch.tensor([[1.], [0.], [0.3], [2.]])], lambda x, t, v: F.gaussian_nll_loss(x, t, v, full=full, eps=0.3, reduction=reduction))
    for swap in [False, True]:
        for margin in [0.1, 10]:
            case(f"triplet swap {swap} margin {margin} {reduction}", "triplet", ["$0", "$1", "$2", {"swap": swap, "margin": margin, "reduction": reduction}], [same, other, same.flip(1)],
                 lambda a, b, c: F.triplet_margin_loss(a, b, c, margin=margin, swap=swap, reduction=reduction))
    for margin in [0, 1]:
        signs = torch.tensor([1., -1., 1., -1.])
        case(f"marginRanking {margin} {reduction}", "marginRanking", ["$0", "$1", "$2", {"margin": margin, "reduction": reduction}], [torch.tensor([1., 1., 0., 2.]), torch.tensor([1., 0., 2., 2.]), signs],
             lambda a, b, t: F.margin_ranking_loss(a, b, t.detach(), margin=margin, reduction=reduction))
        case(f"hingeEmbedding {margin} {reduction}", "hingeEmbedding", ["$0", "$1", {"margin": margin, "reduction": reduction}], [torch.tensor([1., 1., 0., 2.]), signs],
             lambda a, t: F.hinge_embedding_loss(a, t.detach(), margin=margin, reduction=reduction))
        case(f"cosineEmbedding {margin} {reduction}", "cosineEmbedding", ["$0", "$1", "$2", {"margin": margin / 2, "reduction": reduction}], [scores[::2], scores[1::2] + 1, signs[:2]],
             lambda a, b, t: F.cosine_embedding_loss(a, b, t.detach(), margin=margin / 2, reduction=reduction))
    for width in [0., 0.5, 1.]:
        case(f"smoothL1 beta {width} {reduction}", "smoothL1", ["$0", "$1", {"beta": width, "reduction": reduction}], [torch.tensor([0., 0.5, 1., -2.]), torch.tensor([0., 0., 0., 0.])],
             lambda x, t: F.smooth_l1_loss(x, t.detach(), beta=width, reduction=reduction))
        if width > 0:
            case(f"huber delta {width} {reduction}", "huber", ["$0", "$1", {"delta": width, "reduction": reduction}], [torch.tensor([0., 0.5, 1., -2.]), torch.tensor([0., 0., 0., 0.])],
                 lambda x, t: F.huber_loss(x, t.detach(), delta=width, reduction=reduction))

# ── masks that keep NaN and infinities out ───────────────────────────────────────────────────────────────────────────

query, key = r(1, 2, 4), r(1, 3, 4)
dirty = key.clone()
dirty[0, 2] = nan
case("attention without a mask", "scaledDotProductAttention", ["$0", "$1", "$2"], [query, key, key], F.scaled_dot_product_attention)
case("attention bool mask", "scaledDotProductAttention", ["$0", "$1", "$2", {"attnMask": "$3"}], [query, key, key, torch.tensor([[True, False, True], [True, True, False]])],
     lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m))
case("maskedFill NaN", ".maskedFill", ["$1", 2], [torch.tensor([nan, 1., 3.]), torch.tensor([True, False, False])], lambda x, m: x.masked_fill(m, 2.))
case("rmsNorm of zeros", "rmsNorm", ["$0", [3], None, 1e-5], [same], lambda x: F.rms_norm(x, [3], eps=1e-5))
case("layerNorm of a constant row", "layerNorm", ["$0", [3]], [torch.tensor([[2., 2., 2.], [1., 2., 4.]])], lambda x: F.layer_norm(x, [3]))

# ── norms of every order, and curvature ──────────────────────────────────────────────────────────────────────────────

rows, zeros = torch.tensor([[1., -2., 3.], [0., 0., 0.], [2., -2., 2.], [0., 1., -1.], [3., 3., 0.]]), torch.zeros(5, 3)
for p in [0, 0.5, 1, 2, 2.5, inf, -inf, -1, -2, -0.5]:
    # For order 0 PyTorch returns no slope at all.
    case(f"pairwiseDistance p {p} eps 0 of rows with zeros", "pairwiseDistance", ["$0", "$1", {"p": p, "eps": 0}], [rows, zeros],
         lambda a, b: F.pairwise_distance(a, b, p=p, eps=0.), slopes=p != 0)
    case(f"normalize p {p} of rows with zeros", "normalize", ["$0", {"p": p, "eps": 0.25}], [rows], lambda a: F.normalize(a, p=p, eps=0.25))
    case(f"cdist p {p} of rows with zeros", "cdist", ["$0", "$1", p], [rows, zeros[:1]], lambda a, b: torch.cdist(a, b, p=p))
for name, function_of, args in [("elu", F.elu, []), ("elu", lambda x: F.elu(x, 1.5), [1.5]), ("elu", lambda x: F.elu(x, -1.5), [-1.5]),
                                ("celu", F.celu, []), ("celu", lambda x: F.celu(x, 1.5), [1.5]), ("celu", lambda x: F.celu(x, -1.5), [-1.5]), ("selu", F.selu, [])]:
    case(f"slope of {name} {args}", "slopeOf", [name, "$0", *args], [torch.tensor([0., -0., 1., -1., -3., 1e-3, -80., inf, -inf])],
         lambda x: torch.autograd.grad(function_of(x).sum(), x, create_graph=True)[0])
for name, of in [("variance", torch.var), ("std", torch.std)]:
    for correction in [0, 1]:
        case(f"{name} of 0-d, correction {correction}", f".{name}", [None, {"correction": correction}], [torch.tensor(3.)], lambda x: of(x, correction=correction), slopes=correction == 0)

print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")))
