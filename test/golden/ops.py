"""Makes ops.json: figures of tensor operations and their gradients, computed with PyTorch in float64.

    python test/golden/ops.py > test/golden/ops.json

Each case holds its inputs, its output, and the gradient of sum(output * w), w_i = cos(i + 1), for each float input.
"""
import json
import torch
import torch.nn.functional as F

torch.manual_seed(7)
cases = []


def data(t):
    return {"shape": list(t.shape), "dtype": "int32" if t.dtype == torch.int64 else "float64",
            "data": [float(f"{x:.17g}") for x in t.detach().reshape(-1).tolist()]}


def case(name, function, *inputs):
    inputs = [x.clone().requires_grad_() if x.dtype.is_floating_point else x for x in inputs]
    out = function(*inputs)
    floats = [x for x in inputs if x.dtype.is_floating_point]
    grads = [None] * len(inputs)
    if out.requires_grad:
        w = torch.cos(torch.arange(1, out.numel() + 1, dtype=torch.float64)).reshape(out.shape)
        found = iter(torch.autograd.grad((out * w).sum(), floats))
        grads = [data(next(found))["data"] if x.dtype.is_floating_point else None for x in inputs]
    cases.append({"name": name, "inputs": [data(x) for x in inputs], "output": data(out), "gradients": grads})


def r(*shape):
    """Two decimals keep the file small and are exact on both sides."""
    return torch.round(torch.randn(*shape, dtype=torch.float64) * 100) / 100


case("matmul 2d", torch.matmul, r(3, 4), r(4, 2))
case("matmul batch", torch.matmul, r(2, 1, 3, 4), r(3, 4, 2))
case("matmul vector matrix", torch.matmul, r(4), r(2, 4, 3))
case("matmul matrix vector", torch.matmul, r(2, 3, 4), r(4))
case("matmul vectors", torch.matmul, r(5), r(5))
case("matmul matrix batch", torch.matmul, r(3, 4), r(2, 4, 2))
case("einsum attention", lambda q, k: torch.einsum("bhid,bhjd->bhij", q, k), r(2, 2, 3, 4), r(2, 2, 2, 4))
case("einsum bilinear", lambda a, w, b: torch.einsum("bi,oij,bj->bo", a, w, b), r(2, 3), r(2, 3, 4), r(2, 4))
case("einsum trace", lambda a: torch.einsum("ii->", a), r(3, 3))
case("einsum diagonal", lambda a: torch.einsum("bii->bi", a), r(2, 3, 3))
case("einsum outer", lambda a, b: torch.einsum("i,j->ji", a, b), r(3), r(2))
case("einsum ellipsis", lambda a, b: torch.einsum("...ij,jk->...ik", a, b), r(2, 2, 3), r(3, 2))
case("conv1d", lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=1), r(2, 3, 7), r(4, 3, 3), r(4))
case("conv2d plain", lambda x, w: F.conv2d(x, w), r(2, 2, 5, 4), r(3, 2, 3, 2))
case("conv2d strided padded dilated", lambda x, w, b: F.conv2d(x, w, b, stride=(2, 1), padding=(1, 2), dilation=(1, 2)), r(1, 2, 6, 5), r(2, 2, 3, 2), r(2))
case("conv2d groups", lambda x, w, b: F.conv2d(x, w, b, padding=1, groups=2), r(1, 4, 4, 4), r(4, 2, 3, 3), r(4))
case("conv2d depthwise", lambda x, w: F.conv2d(x, w, groups=3, stride=2), r(2, 3, 5, 5), r(6, 1, 2, 2))
case("conv2d same", lambda x, w: F.conv2d(x, w, padding="same", dilation=2), r(1, 1, 5, 5), r(1, 1, 2, 3))
case("conv2d unbatched", lambda x, w: F.conv2d(x, w), r(2, 4, 4), r(1, 2, 3, 3))
case("convTranspose2d plain", lambda x, w: F.conv_transpose2d(x, w), r(1, 2, 3, 3), r(2, 3, 2, 2))
case("convTranspose2d full", lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1, dilation=2, groups=2), r(1, 4, 3, 2), r(4, 1, 3, 2), r(2))
for mode in ["reflect", "replicate", "circular"]:
    case(f"pad {mode}", lambda x, mode=mode: F.pad(x, (2, 1, 1, 2), mode=mode), r(1, 2, 4, 4))
case("maxPool2d", lambda x: F.max_pool2d(x, 2), r(1, 2, 4, 5))
case("maxPool2d overlapping padded", lambda x: F.max_pool2d(x, 3, stride=2, padding=1), r(2, 1, 5, 6))
case("maxPool2d ceil dilated", lambda x: F.max_pool2d(x, (2, 3), stride=2, dilation=(2, 1), ceil_mode=True), r(1, 1, 6, 6))
case("maxPool2d ties", lambda x: F.max_pool2d(x, 2, stride=1), torch.tensor([[[1., 1, 2], [1, 1, 2], [0, 2, 2]]], dtype=torch.float64))
case("avgPool2d", lambda x: F.avg_pool2d(x, 2), r(1, 2, 4, 4))
case("avgPool2d padded", lambda x: F.avg_pool2d(x, 3, stride=2, padding=1), r(1, 1, 6, 5))
case("avgPool2d valid counts", lambda x: F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False), r(1, 1, 6, 5))
case("avgPool2d ceil", lambda x: F.avg_pool2d(x, (3, 2), stride=2, padding=1, ceil_mode=True), r(1, 1, 6, 6))
case("avgPool2d ceil valid counts", lambda x: F.avg_pool2d(x, (3, 2), stride=2, padding=1, ceil_mode=True, count_include_pad=False), r(1, 1, 6, 6))
case("avgPool1d", lambda x: F.avg_pool1d(x, 3, stride=1), r(2, 1, 6))
case("adaptiveAvgPool2d", lambda x: F.adaptive_avg_pool2d(x, (3, 2)), r(1, 2, 7, 5))
case("adaptiveAvgPool2d grow", lambda x: F.adaptive_avg_pool2d(x, 5), r(1, 1, 3, 4))
case("interpolate nearest up", lambda x: F.interpolate(x, scale_factor=2), r(1, 2, 2, 3))
case("interpolate nearest sizes", lambda x: F.interpolate(x, size=(5, 2)), r(1, 1, 3, 4))
case("interpolate bilinear", lambda x: F.interpolate(x, size=(5, 7), mode="bilinear"), r(1, 2, 3, 4))
case("interpolate bilinear down", lambda x: F.interpolate(x, size=(2, 3), mode="bilinear"), r(1, 1, 5, 7))
case("interpolate bilinear corners", lambda x: F.interpolate(x, size=(5, 2), mode="bilinear", align_corners=True), r(1, 1, 3, 4))
case("interpolate linear", lambda x: F.interpolate(x, size=5, mode="linear"), r(2, 1, 3))
case("softmax", lambda x: F.softmax(x, -1), r(3, 4) * 5)
case("logSoftmax", lambda x: F.log_softmax(x, 0), r(3, 4) * 5)
case("logsumexp", lambda x: torch.logsumexp(x, 1), r(3, 4) * 50)
case("sum", lambda x: x.sum((0, 2)), r(2, 3, 4))
case("mean", lambda x: x.mean(1, keepdim=True), r(2, 3, 4))
case("variance", lambda x: x.var(-1), r(3, 5))
case("variance biased", lambda x: x.var((0, 1), correction=0), r(3, 5))
case("std", lambda x: x.std(0), r(4, 3))
case("norm", lambda x: torch.linalg.vector_norm(x, dim=1), r(3, 4))
case("prod", lambda x: x.prod(1), r(3, 4))
case("prod with a zero", lambda x: x.prod(0), torch.tensor([[2., 0, 0], [3, 4, 0]], dtype=torch.float64))
case("amax", lambda x: x.amax(1), torch.tensor([[1., 3, 3], [2, 0, 1]], dtype=torch.float64))
case("amin", lambda x: x.amin(0), r(3, 4))
case("max", lambda x: x.max(1).values, r(3, 4))
case("cumsum", lambda x: x.cumsum(1), r(2, 5))
case("argmax", lambda x: x.argmax(1), r(3, 5))
case("argmin", lambda x: x.argmin(0), r(3, 5))
case("sort", lambda x: x.sort(-1).values, r(3, 6))
case("sort descending", lambda x: x.sort(0, descending=True).values, r(5, 2))
case("sort indices", lambda x: x.sort(-1).indices, r(3, 6))
case("topk", lambda x: x.topk(3, -1).values, r(2, 6))
case("topk indices", lambda x: x.topk(2, 0).indices, r(5, 3))
index = torch.tensor([[0, 2, 1], [1, 1, 0]])
case("gather", lambda x, i: x.gather(0, i), r(3, 3), index)
case("indexSelect", lambda x, i: x.index_select(1, i), r(2, 4), torch.tensor([3, 0, 0]))
case("scatterAdd", lambda x, i, s: x.scatter_add(0, i, s), r(3, 3), index, r(2, 3))
case("tril", lambda x: x.tril(-1), r(3, 4))
case("triu", lambda x: x.triu(1), r(2, 3, 3))
case("flip", lambda x: x.flip((0, -1)), r(2, 3))
case("repeat", lambda x: x.repeat(2, 1, 3), r(2, 2))
case("remainder", torch.remainder, r(2, 3) * 5, torch.tensor([[2., -2, 1.5], [-0.7, 3, 1]], dtype=torch.float64))
case("pow", torch.pow, r(2, 3).abs() + 0.1, r(2, 3))
case("erf", torch.erf, r(8) * 2)
case("sigmoid", torch.sigmoid, r(8) * 10)
case("tanh", torch.tanh, r(8) * 3)
case("expm1", torch.expm1, r(8))
case("log1p", torch.log1p, r(8).abs())
case("chain", lambda a, b: torch.sin(a) * torch.cos(b) / (1 + a * a), r(4), r(4))

print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")))
