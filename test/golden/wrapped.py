"""Makes wrapped.json: 12 steps of Lookahead and of SAM around other optimizers, written out from the papers, with PyTorch in float64.

    python test/golden/wrapped.py > test/golden/wrapped.json
"""
import json
import torch

torch.set_default_dtype(torch.float64)


def wave(*shape, step):
    size = 1
    for extent in shape:
        size *= extent
    return torch.sin(torch.arange(size) * step + 0.3).reshape(shape)


x, y = wave(6, 3, step=0.7), wave(6, 2, step=1.1)
start = [wave(4, 3, step=0.4), wave(4, step=0.9), wave(2, 4, step=1.7)]


def loss_of(a, b, c):
    return ((torch.tanh(x @ a.T + b) @ c.T - y) ** 2).mean()


def backward(params):
    for p in params:
        p.grad = None
    loss_of(*params).backward()


def lookahead(make, k, alpha):
    params = [p.clone().requires_grad_() for p in start]
    inner, slow = make(params), [p.clone() for p in start]
    for step in range(1, 13):
        backward(params)
        inner.step()
        if step % k == 0:
            with torch.no_grad():
                for p, s in zip(params, slow):
                    s += alpha * (p - s)
                    p.copy_(s)
    return params


def sam(make, rho, adaptive):
    params = [p.clone().requires_grad_() for p in start]
    inner = make(params)
    for _ in range(12):
        backward(params)
        with torch.no_grad():
            before = [p.clone() for p in params]
            norm = torch.sqrt(sum(((p.abs() if adaptive else 1) * p.grad).square().sum() for p in params))
            for p in params:
                p.add_((p.square() if adaptive else 1) * p.grad * rho / (norm + 1e-12))
        backward(params)
        with torch.no_grad():
            for p, b in zip(params, before):
                p.copy_(b)
        inner.step()
    return params


sgd = lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9)
adam = lambda params: torch.optim.Adam(params, lr=0.05)
figures = {
    "Lookahead of SGD": lookahead(sgd, 5, 0.5),
    "Lookahead of Adam": lookahead(adam, 3, 0.8),
    "SAM of SGD": sam(sgd, 0.05, False),
    "SAM of Adam": sam(adam, 0.2, False),
    "adaptive SAM of SGD": sam(sgd, 0.5, True),
}
print(json.dumps({name: [v for p in params for v in p.detach().reshape(-1).tolist()] for name, params in figures.items()}))
