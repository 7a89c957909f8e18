"""Makes longSums.json: functions over many values, with PyTorch in float64, and the error of its float32.

    python test/golden/longSums.py > test/golden/longSums.json

An input is offset + scale * u, rounded to float32, where u is a hash of the place and a seed (longSums.test.ts computes the same), or for
whole numbers that hash modulo "below". "terms" is the length of the longest sum. Outputs and gradients of more than 32 numbers are sampled at
even steps. The gradients are those of the sum over outputs of output * w, w_i = (1 + i mod 13) * 0.07, rounded. Errors are in units of 2^-23 of the
largest number.
"""
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
most = 32


def hashed(n, seed):
    h = np.arange(n, dtype=np.uint32) + np.uint32(seed * 0x9E3779B9 % 2**32)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h


def fill(spec, seed):
    n = int(np.prod(spec["shape"]))
    h = hashed(n, seed)
    if "below" in spec:
        return torch.from_numpy((h % np.uint32(spec["below"])).astype(np.int64)).reshape(spec["shape"])
    u = h.astype(np.float64) / 2**32
    return torch.from_numpy((spec.get("offset", 0) + spec.get("scale", 0) * u).astype(np.float32)).reshape(spec["shape"])


def of(*shape, offset=0.0, scale=1.0):
    return {"shape": list(shape), "offset": offset, "scale": scale}


def same(*shape, value=0.1):
    return {"shape": list(shape), "offset": value, "scale": 0}


def whole(*shape, below):
    return {"shape": list(shape), "below": below}


def weights(n):
    return ((torch.arange(n) % 13 + 1).double() * 0.07).float()


def arg(k):
    return {"$": k}


def sampled(values):
    step = max(1, len(values) // most)
    return [float(f"{v:.12g}") for v in values[::step][:most]]


def evaluate(fn, inputs, gradients, dtype):
    held = [x.to(dtype).clone().requires_grad_(k in gradients) if x.is_floating_point() else x for k, x in enumerate(inputs)]
    out = fn(*held)
    outputs = list(out) if isinstance(out, (list, tuple)) else [out]
    if gradients:
        sum((o * weights(o.numel()).to(dtype).reshape(o.shape)).sum() for o in outputs).backward()
    return [sampled(o.detach().reshape(-1).tolist()) for o in outputs], [sampled(held[k].grad.reshape(-1).tolist()) for k in gradients]


def error(exact, found):
    largest = max(1e-30, max(abs(v) for v in exact))
    return max(abs(a - b) for a, b in zip(exact, found)) / largest * 2**23


cases = []


def case(call, args, inputs, terms, fn, gradients=(), name=None):
    given = [fill(spec, len(cases) * 8 + k + 1) for k, spec in enumerate(inputs)]
    exact, slopes = evaluate(fn, given, gradients, torch.float64)
    found, found_slopes = evaluate(fn, given, gradients, torch.float32)
    cases.append({
        "call": call, "args": args, "inputs": inputs, "terms": terms, "outputs": exact, "of": list(gradients), "gradients": slopes,
        "errors": [float(f"{error(a, b):.3g}") for a, b in zip(exact + slopes, found + found_slopes)], **({"name": name} if name else {}),
    })
    print(call, args, [s["shape"] for s in inputs], cases[-1]["errors"], file=sys.stderr)


M, T = 1_000_000, 10_000_000

# variances of values with a large offset
for shape, dims in (([M], [0]), ([1000, 1000], [0]), ([1000, 1000], [1]), ([100, 100, 100], [0, 2]), ([16, 250, 250], [0, 1, 2])):
    terms = int(np.prod([shape[d] for d in dims]))
    for offset, scale in ((1e4, 1), (1e4, 0.02), (-3.0, 1)):
        for ours, theirs in (("variance", torch.var), ("std", torch.std)):
            case(f"x.{ours}", [dims], [of(*shape, offset=offset, scale=scale)], terms, lambda x, f=theirs, d=dims: f(x, d))
case("x.variance", [0], [of(M, 4, offset=1e4)], M, lambda x: x.var(0))
case("x.variance", [1, {"correction": 0, "keepdim": True}], [of(4, M, offset=1e4)], M, lambda x: x.var(1, correction=0, keepdim=True))
case("x.variance", [0], [of(4096, 64, offset=100, scale=0.1)], 4096, lambda x: x.var(0), gradients=[0])
case("x.std", [0], [of(4096, 64, offset=100, scale=0.1)], 4096, lambda x: x.std(0), gradients=[0])

# many additions into one place
for n, slots in ((M, 1), (M, 3), (100_000, 1000)):
    case("x.scatterAdd", [0, arg(1), arg(2)], [same(slots, value=0), whole(n, below=slots), same(n)], n // slots, lambda x, i, s: x.scatter_add(0, i, s))
    case("F.embedding", [arg(0), arg(1)], [whole(n, below=slots), of(slots, 2)], n // slots, F.embedding, gradients=[1])
    case("x.indexSelect", [0, arg(1)], [of(slots, 2), whole(n, below=slots)], n // slots, lambda x, i: x.index_select(0, i), gradients=[0])
    case("x.gather", [0, arg(1)], [of(slots), whole(n, below=slots)], n // slots, lambda x, i: x.gather(0, i), gradients=[0])
case("x.scatterAdd", [1, arg(1), arg(2)], [same(3, 2, value=0), whole(3, 200_000, below=2), of(3, 200_000)], 100_000, lambda x, i, s: x.scatter_add(1, i, s))

# contractions of great length
for m, n, k in ((1, 1, M), (1, 1, T), (4, 3, M), (16, 16, 100_000), (64, 48, 20_000), (1, 64, 100_000), (64, 1, 100_000)):
    for one in (True, False):
        a, b = (same(m, k), same(k, n)) if one else (of(m, k), of(k, n))
        case("x.matmul", [arg(1)], [a, b], k, torch.matmul)
for m, n, k in ((16, 16, 100_000), (64, 48, 20_000), (5, 1, M)):
    case("F.linear", [arg(0), arg(1), arg(2)], [of(k, m), of(n, m), of(n)], k, F.linear, gradients=[1, 2], name="gradients of weight and bias over a large batch")
    case("einsum", ["km,kn->mn", arg(0), arg(1)], [of(k, m), of(k, n)], k, lambda a, b: torch.einsum("km,kn->mn", a, b))
    case("einsum", ["mk,nk->mn", arg(0), arg(1)], [of(m, k), of(n, k)], k, lambda a, b: torch.einsum("mk,nk->mn", a, b))
case("x.matmul", [arg(1)], [of(3, 4, 50_000), of(3, 50_000, 5)], 50_000, torch.matmul)
case("x.matmul", [arg(1)], [of(1_000_000), of(1_000_000)], M, torch.matmul)
case("F.conv2d", [arg(0), arg(1), arg(2), {"padding": 1}], [of(8, 3, 128, 128), of(6, 3, 3, 3), of(6)], 131072, lambda x, w, b: F.conv2d(x, w, b, padding=1), gradients=[1, 2])
case("F.conv2d", [arg(0), arg(1), arg(2), {"padding": 1, "groups": 4}], [of(8, 4, 128, 128), of(4, 1, 3, 3), of(4)], 131072, lambda x, w, b: F.conv2d(x, w, b, padding=1, groups=4), gradients=[1, 2])
case("F.conv2d", [arg(0), arg(1), arg(2), {"stride": 2}], [of(4, 16, 65, 65), of(8, 16, 3, 3), of(8)], 4096, lambda x, w, b: F.conv2d(x, w, b, stride=2), gradients=[1, 2])
case("F.conv1d", [arg(0), arg(1), arg(2), {}], [of(2, 2, 100_000), of(3, 2, 5), of(3)], 200_000, lambda x, w, b: F.conv1d(x, w, b), gradients=[1, 2])
case("F.conv2d", [arg(0), arg(1), arg(2), {}], [of(2, 256, 9, 9), of(8, 256, 9, 9), of(8)], 256 * 81, lambda x, w, b: F.conv2d(x, w, b))
case("F.convTranspose2d", [arg(0), arg(1)], [of(4, 3, 100, 100), of(3, 2, 3, 3)], 40_000, F.conv_transpose2d, gradients=[1])

# running sums and windows
case("x.cumsum", [0], [same(M)], M, lambda x: x.cumsum(0))
case("x.cumsum", [0], [of(M)], M, lambda x: x.cumsum(0))
case("x.cumsum", [0], [of(10_000, 16)], 10_000, lambda x: x.cumsum(0), gradients=[0])
case("x.cumsum", [1], [of(16, 10_000)], 10_000, lambda x: x.cumsum(1), gradients=[0])
case("x.logsumexp", [0], [same(M)], M, lambda x: x.logsumexp(0))
case("x.logsumexp", [[0]], [of(M, 2, offset=-2, scale=4)], M, lambda x: x.logsumexp([0]))
case("x.softmax", [0], [of(M, offset=-2, scale=4)], M, lambda x: x.softmax(0))
case("x.logSoftmax", [1], [of(3, 200_000, offset=-2, scale=4)], 200_000, lambda x: x.log_softmax(1), gradients=[0])
for kernel, x in ((5, of(1, 2, 64, 64)), (16, of(1, 2, 128, 128)), (100, of(1, 1, 256, 256))):
    case("F.avgPool2d", [arg(0), kernel, {"stride": kernel}], [x], kernel**2, lambda x, k=kernel: F.avg_pool2d(x, k, k), gradients=[0])
    case("F.avgPool2d", [arg(0), kernel, {"stride": 1}], [x], kernel**2, lambda x, k=kernel: F.avg_pool2d(x, k, 1), gradients=[0])
case("F.avgPool1d", [arg(0), 1000, {"stride": 1}], [same(1, 1, 5000)], 1000, lambda x: F.avg_pool1d(x, 1000, 1), gradients=[0])
case("F.adaptiveAvgPool2d", [arg(0), 1], [of(2, 8, 300, 300)], 90_000, lambda x: F.adaptive_avg_pool2d(x, 1))
case("F.fold", [arg(0), [130, 130], [30, 30], {}], [of(1, 900, 101 * 101)], 900, lambda x: F.fold(x, (130, 130), (30, 30)))
case("F.interpolate", [arg(0), {"size": [500, 500], "mode": "bilinear"}], [of(1, 1, 2, 2)], 250_000, lambda x: F.interpolate(x, (500, 500), mode="bilinear"), gradients=[0])

# statistics, losses, norms
for offset in (0, 100):
    case("F.batchNorm", [arg(0), None, None, {"weight": arg(1), "bias": arg(2), "training": True}], [of(512, 4, 16, 16, offset=offset), of(4), of(4)], 131072, lambda x, w, b: F.batch_norm(x, None, None, w, b, True), gradients=[0, 1, 2])
    case("F.batchNorm", [arg(0), None, None, {"weight": arg(1), "bias": arg(2), "training": True}], [of(20_000, 8, offset=offset), of(8), of(8)], 20_000, lambda x, w, b: F.batch_norm(x, None, None, w, b, True), gradients=[0, 1, 2])
    case("F.layerNorm", [arg(0), [100_000]], [of(3, 100_000, offset=offset)], 100_000, lambda x: F.layer_norm(x, [100_000]), gradients=[0])
    case("F.layerNorm", [arg(0), [64], arg(1), arg(2)], [of(20_000, 64, offset=offset), of(64), of(64)], 20_000, lambda x, w, b: F.layer_norm(x, [64], w, b), gradients=[1, 2])
    case("F.rmsNorm", [arg(0), [100_000], None, 1e-5], [of(3, 100_000, offset=offset)], 100_000, lambda x: F.rms_norm(x, [100_000], None, 1e-5))
    case("F.groupNorm", [arg(0), 2], [of(2, 4, 200, 200, offset=offset)], 80_000, lambda x: F.group_norm(x, 2), gradients=[0])
    case("F.instanceNorm", [arg(0)], [of(2, 2, 200, 200, offset=offset)], 40_000, lambda x: F.instance_norm(x))
for reduction in ("mean", "sum"):
    case("F.mse", [arg(0), arg(1), {"reduction": reduction}], [same(T, value=0.3), same(T, value=0)], T, lambda x, y, r=reduction: F.mse_loss(x, y, reduction=r))
    for ours, fn in (("l1", F.l1_loss), ("huber", F.huber_loss), ("smoothL1", F.smooth_l1_loss), ("bceWithLogits", F.binary_cross_entropy_with_logits), ("poissonNll", F.poisson_nll_loss),
                     ("bce", F.binary_cross_entropy), ("klDiv", F.kl_div)):
        case(f"F.{ours}", [arg(0), arg(1), {"reduction": reduction}], [of(M, offset=0.01, scale=0.9), same(M, value=0.3)], M, lambda x, y, f=fn, r=reduction: f(x, y, reduction=r))
    case("F.crossEntropy", [arg(0), arg(1), {"reduction": reduction}], [of(200_000, 5), whole(200_000, below=5)], 200_000, lambda x, t, r=reduction: F.cross_entropy(x, t, reduction=r))
    case("F.crossEntropy", [arg(0), arg(1), {"reduction": reduction, "weight": arg(2), "labelSmoothing": 0.1}], [of(200_000, 5), whole(200_000, below=5), of(5, offset=0.2)], 200_000,
         lambda x, t, w, r=reduction: F.cross_entropy(x, t, w, reduction=r, label_smoothing=0.1))
    case("F.nll", [arg(0), arg(1), {"reduction": reduction}], [of(200_000, 5), whole(200_000, below=5)], 200_000, lambda x, t, r=reduction: F.nll_loss(x, t, reduction=r))
    case("F.triplet", [arg(0), arg(1), arg(2), {"reduction": reduction}], [of(100_000, 4), of(100_000, 4), of(100_000, 4)], 100_000, lambda a, p, n, r=reduction: F.triplet_margin_loss(a, p, n, reduction=r))
    case("F.cosineEmbedding", [arg(0), arg(1), arg(2), {"reduction": reduction}], [of(100_000, 4), of(100_000, 4), same(100_000, value=1)], 100_000, lambda a, b, y, r=reduction: F.cosine_embedding_loss(a, b, y, reduction=r))
case("x.norm", [], [of(M)], M, lambda x: x.norm())
case("total norm", [], [of(1000, 1000), same(M)], M, lambda *x: torch.nn.utils.get_total_norm(x))

# every direction; summands that are computed, strided, repeated
for shape, dims in (([T], [0]), ([M, 3], [0]), ([3, M], [1]), ([50, 400, 50], [1]), ([30, 1000, 30], [0, 2])):
    terms = int(np.prod([shape[d] for d in dims]))
    for ours, fn in (("sum", lambda x, d: x.sum(d)), ("mean", lambda x, d: x.mean(d))):
        case(f"x.{ours}", [dims], [same(*shape)], terms, lambda x, f=fn, d=dims: f(x, d))
case("sum of every third", [], [of(3_000_000)], M, lambda x: x[::3].sum())
case("sum turned", [], [of(3000, 300)], 3000, lambda x: x.T.sum(1))
case("sum repeated", [], [of(300, 1)], 300_000, lambda x: x.expand(300, 1000).sum())
case("sum of products", [], [of(3000, 300), of(300)], 900_000, lambda x, y: (x * y + 0.5).exp().sum())
case("gradients of what is repeated", [arg(1)], [of(100_000, 8), of(8)], 100_000, lambda x, y: x * y, gradients=[1])

print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")))
