"""Makes sampling.json: gridSample and affineGrid in all modes, weight and spectral normalisation, with PyTorch in float64.

    python -P test/golden/sampling.py > test/golden/sampling.json

Gradients are those of sum(output * w), w_i = cos(i + 1).
"""
import json
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def wave(*shape, step):
    size = 1
    for extent in shape:
        size *= extent
    return torch.sin(torch.arange(size) * step + 0.3).reshape(shape)


def weighted(out):
    return (out * torch.cos(torch.arange(1, out.numel() + 1, dtype=torch.float64)).reshape(out.shape)).sum()


flat = lambda t: t.detach().reshape(-1).tolist()
cases = []
for size, out in [((4, 5), (3, 4)), ((1, 3), (2, 2)), ((3, 2, 4), (2, 3, 2))]:
    for mode in ["bilinear", "nearest"] + (["bicubic"] if len(size) == 2 else []):
        for padding in ["zeros", "border", "reflection"]:
            for align in [False, True]:
                x = wave(2, 2, *size, step=0.7).requires_grad_()
                grid = (wave(2, *out, len(size), step=1.9) * 1.7).requires_grad_()
                value = F.grid_sample(x, grid, mode=mode, padding_mode=padding, align_corners=align)
                found = torch.autograd.grad(weighted(value), [x, grid])
                cases.append({"size": size, "out": out, "mode": mode, "paddingMode": padding, "alignCorners": align, "value": flat(value), "gradients": [flat(g) for g in found]})
grids = []
for size in [(2, 3, 4, 5), (2, 1, 1, 3), (2, 1, 2, 3, 2)]:
    for align in [False, True]:
        rank = len(size) - 2
        theta = wave(2, rank, rank + 1, step=0.9).requires_grad_()
        value = F.affine_grid(theta, size, align_corners=align)
        grids.append({"size": size, "alignCorners": align, "value": flat(value), "gradient": flat(torch.autograd.grad(weighted(value), theta)[0])})

norms = {}
x = wave(3, 4, step=0.5)
for dim in [0, 1, None]:
    layer = torch.nn.Linear(4, 5)
    with torch.no_grad():
        layer.weight.copy_(wave(5, 4, step=0.8))
        layer.bias.copy_(wave(5, step=1.1))
    layer = torch.nn.utils.weight_norm(layer, dim=dim)
    out = layer(x)
    weighted(out).backward()
    norms[f"weight {dim}"] = [flat(out), flat(layer.weight_g.grad), flat(layer.weight_v.grad)]
layer = torch.nn.utils.spectral_norm(torch.nn.Linear(4, 5))
with torch.no_grad():
    layer.weight_orig.copy_(wave(5, 4, step=0.8))
    layer.bias.copy_(wave(5, step=1.1))
    layer.weight_u.copy_(F.normalize(wave(5, step=0.6), dim=0))
    layer.weight_v.copy_(F.normalize(wave(4, step=0.9), dim=0))
out = layer(x)
weighted(out).backward()
norms["spectral"] = [flat(out), flat(layer.weight_orig.grad), flat(layer.weight_u), flat(layer.weight_v)]
print(json.dumps({"torch": torch.__version__, "cases": cases, "grids": grids, "norms": norms}))
