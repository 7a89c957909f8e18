# The PyTorch side of bench/contractions.ts, eager.   usage: python3 shapes_torch.py THREADS
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F
from serve import Repeat, serve
from torch import nn

torch.set_num_threads(int(sys.argv[1]))
torch.set_num_interop_threads(1)


def fill(shape, salt, scale=1.0):
    index = np.arange(math.prod(shape), dtype=np.int64)
    return torch.from_numpy((((index * 7919 + salt) % 1009 - 504) / 1009 * scale).astype(np.float32).reshape(shape))


def magnitude(out):
    return out.detach().double().abs().mean().item()


class Call(Repeat):
    def __init__(self, run):
        self.run = run

    def step(self, _):
        with torch.no_grad():
            self.last = self.run()

    def check(self):
        self.step(0)
        return magnitude(self.last)


def product(d):
    lead = [d["batch"]] if d["batch"] > 1 else []
    (m, k, n), (first, second) = (d["m"], d["k"], d["n"]), d["layout"]
    dtype = getattr(torch, d["dtype"])
    scale = 254 if dtype == torch.int8 else 1
    a = (fill(lead + ([k, m] if first == "t" else [m, k]), 1) * scale).to(dtype)
    b = (fill(lead + ([n, k] if second == "t" else [k, n]), 17) * scale).to(dtype)
    a, b = (a.transpose(-1, -2) if first == "t" else a), (b.transpose(-1, -2) if second == "t" else b)
    return Call(lambda: (torch._int_mm if dtype == torch.int8 else torch.matmul)(a, b))


def convolution(d):
    x, w = fill(d["x"], 1), fill(d["w"], 17)
    stride, padding, dilation, groups = ([d[name]] * 2 for name in ("stride", "padding", "dilation", "groups"))
    forward = lambda: F.conv2d(x, w, None, stride, padding, dilation, groups[0])
    if d["part"] == "forward":
        return Call(forward)
    grad, of_input = fill(forward().shape, 29), d["part"] == "input gradient"
    rest = (None, stride, padding, dilation, False, [0, 0], groups[0], [of_input, not of_input, False])
    return Call(lambda: torch.ops.aten.convolution_backward(grad, x, w, *rest)[0 if of_input else 1])


class Output(nn.Module):
    """The outputs of a recurrent layer, without its state."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


class Apply(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x):
        return self.fn(x)


def layer(kind, *sizes):
    if kind in ("conv1d", "conv2d"):
        inputs, outputs, kernel, stride, padding, groups = sizes
        make = nn.Conv1d if kind == "conv1d" else nn.Conv2d
        return make(inputs, outputs, kernel, stride, padding, groups=groups)
    if kind == "encoder":
        width, heads, wide = sizes
        return nn.TransformerEncoderLayer(width, heads, wide, dropout=0.0)
    simple = dict(
        linear=nn.Linear, norm=nn.LayerNorm, batchNorm1d=nn.BatchNorm1d, batchNorm2d=nn.BatchNorm2d, maxPool=nn.MaxPool2d,
        relu=nn.ReLU, tanh=nn.Tanh, gelu=nn.GELU, flatten=nn.Flatten,
    )
    if kind in simple:
        return simple[kind](*sizes)
    if kind in ("rnn", "lstm", "gru"):
        return Output(dict(rnn=nn.RNN, lstm=nn.LSTM, gru=nn.GRU)[kind](*sizes))
    return Apply((lambda x: x[-1]) if kind == "last" else (lambda x: x.mean(0)))


class Network:
    def __init__(self, d):
        self.d, self.x = d, fill(d["x"], 1)
        batch = d["x"][1 if len(d["x"]) == 3 and d["layers"][0][0] in ("rnn", "lstm", "gru", "encoder") else 0]
        self.y = torch.tensor([(7919 * i + 5) % 1009 % d["classes"] for i in range(batch)])
        self.model = nn.Sequential(*[layer(*spec) for spec in d["layers"]])

    def reset(self):
        with torch.no_grad():
            for place, parameter in enumerate(self.model.parameters()):
                if parameter.ndim > 1:
                    parameter.copy_(fill(parameter.shape, 31 * place + 3, 2 / math.sqrt(parameter[0].numel())))
                else:
                    parameter.fill_(0)
            for module in self.model.modules():
                if isinstance(module, (nn.LayerNorm, nn.BatchNorm1d, nn.BatchNorm2d)):
                    module.weight.fill_(1)
        make = dict(
            sgd=lambda p: torch.optim.SGD(p, lr=0.01), adam=lambda p: torch.optim.Adam(p, lr=1e-3),
            adamw=lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=0.01),
        )
        self.optimizer = make[self.d["optimizer"]](self.model.parameters())

    def finish(self):
        pass

    def step(self, i):
        self.optimizer.zero_grad(set_to_none=True)
        self.last = F.cross_entropy(self.model(self.x), self.y)
        self.last.backward()
        self.optimizer.step()
        if i % 100 == 99:
            self.last.item()

    def check(self):
        self.reset()
        for i in range(5):
            self.step(i)
        return self.last.item()


serve(lambda d: dict(product=product, conv=convolution, network=Network)[d["kind"]](d), torch.__version__)
