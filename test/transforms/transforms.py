# Figures of torch.func in float64 for transforms.test.ts:   python test/transforms/transforms.py > test/transforms/figures.json
import json
import torch
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vjp, vmap

torch.set_default_dtype(torch.float64)


def wave(*shape, step=0.7, shift=0.1):
    size = 1
    for extent in shape:
        size *= extent
    return torch.sin(torch.arange(size) * step + shift).reshape(shape)


x, y = wave(3), wave(4, 3, step=0.9)
w = wave(3, 3, step=1.3)


def vector(v):
    return torch.tanh(w @ v) * v.sum()


def scalar(v):
    return torch.softmax(w @ v, 0).square().sum() + torch.logsumexp(v, 0)


def two(a, b):
    return (a[:, None] * b).sin().sum(0)


layers = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.LayerNorm(4), torch.nn.Linear(4, 2))
parameters = {}
for place, (name, p) in enumerate(layers.named_parameters()):
    parameters[name] = wave(*p.shape, step=0.37, shift=place)
labels = torch.tensor([0, 1, 1, 0])


def loss(p, row, label):
    return torch.nn.functional.cross_entropy(functional_call(layers, p, (row,))[None], label[None])


def mixed(v):
    order = torch.sort(v).values.cumsum(0)
    return torch.nn.functional.layer_norm(order, [3]) * torch.cummax(v, 0).values + torch.prod(v) * v.amax()


figures = {
    "vjp": vjp(vector, x)[1](wave(3, step=0.2))[0],
    "vjp of two": list(vjp(two, x, y[:3])[1](wave(3, step=0.2))),
    "jvp": jvp(vector, (x,), (wave(3, step=0.2),))[1],
    "jacrev": jacrev(vector)(x),
    "jacfwd": jacfwd(vector)(x),
    "jacrev of the second": jacrev(two, argnums=1)(x, y[:3]),
    "jacrev of both": list(jacrev(two, argnums=(0, 1))(x, y[:3])),
    "jacobian of a matrix": jacrev(lambda m: m @ m)(y[:3]),
    "hessian": hessian(scalar)(x),
    "hessian of a vector": hessian(vector)(x),
    "jacrev of jacrev": jacrev(jacrev(vector))(x),
    "vmap": vmap(vector)(y),
    "vmap in and out dims": vmap(two, in_dims=(0, None), out_dims=1)(y, y[:3]),
    "vmap of vmap": vmap(vmap(lambda a, b: a * b + a.sin(), (None, 0)), (0, None))(x, x),
    "vmap of mixed": vmap(mixed)(y),
    "vmap of jacrev of mixed": vmap(jacrev(mixed))(y),
    "vmap of hessian": vmap(hessian(scalar))(y),
    "jacrev of vmap": jacrev(vmap(vector))(y),
    "per-sample gradients": list(vmap(grad(loss), in_dims=(None, 0, 0))(parameters, y, labels).values()),
}
print(json.dumps({name: [v.tolist() for v in value] if isinstance(value, list) else value.tolist() for name, value in figures.items()}))
