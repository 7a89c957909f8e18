"""Makes layers.json: every layer and activation in training and evaluation, forward and backward, with PyTorch in float64.

    python test/golden/layers.py > test/golden/layers.json

A case holds how our layer is built, its state dict, the input, the output, the gradients of sum(output * w), w_i = cos(i + 1), for
the input and every parameter, and the buffers after the call.
"""
import json
import torch
from torch import nn

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
cases = []


def data(t):
    return {"shape": list(t.shape), "dtype": "float64" if t.dtype.is_floating_point else "int32",
            "data": [float(f"{x:.17g}") for x in t.detach().reshape(-1).tolist()]}


def r(*shape):
    return torch.round(torch.randn(*shape) * 100) / 100


def case(spec, layer, x, label="", modes=(True, False)):
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.round(p * 1000) / 1000)
        for name, b in layer.named_buffers():
            if b.dtype.is_floating_point:
                b.copy_(torch.round((b + torch.rand_like(b)) * 100) / 100)
    begin = {k: v.clone() for k, v in layer.state_dict().items()}
    for training in modes:
        layer.load_state_dict(begin)
        layer.zero_grad()
        layer.train(training)
        inputs = x.clone().requires_grad_() if x.dtype.is_floating_point else x
        out = layer(inputs)
        if out.requires_grad:
            w = torch.cos(torch.arange(1, out.numel() + 1, dtype=torch.float64)).reshape(out.shape)
            (out * w).sum().backward()
        cases.append({
            "name": " ".join(filter(None, [spec["layer"], json.dumps(spec["args"]) if "layer" not in json.dumps(spec["args"]) else "", label, "training" if training else "evaluation"])),
            "spec": spec, "training": training, "state": {k: data(v) for k, v in begin.items()}, "input": data(x), "output": data(out),
            "inputGradient": None if not x.dtype.is_floating_point or inputs.grad is None else data(inputs.grad)["data"],
            "gradients": {k: data(p.grad)["data"] for k, p in layer.named_parameters() if p.grad is not None},
            "after": {k: data(b)["data"] for k, b in layer.named_buffers()},
        })


def spec(layer, *args):
    return {"layer": layer, "args": list(args)}


once = (True,)
case(spec("Linear", 4, 3), nn.Linear(4, 3), r(5, 4), modes=once)
case(spec("Linear", 4, 3, {"bias": False}), nn.Linear(4, 3, bias=False), r(2, 3, 4), modes=once)
case(spec("Linear", 4, 3), nn.Linear(4, 3), r(4), "one vector", once)
case(spec("Conv1d", 2, 3, 3), nn.Conv1d(2, 3, 3), r(2, 2, 7), modes=once)
case(spec("Conv1d", 4, 2, 3, {"stride": 2, "padding": 2, "dilation": 2, "groups": 2, "bias": False}), nn.Conv1d(4, 2, 3, stride=2, padding=2, dilation=2, groups=2, bias=False), r(1, 4, 8), modes=once)
case(spec("Conv2d", 2, 3, 3), nn.Conv2d(2, 3, 3), r(2, 2, 5, 4), modes=once)
case(spec("Conv2d", 2, 4, [3, 2], {"stride": [2, 1], "padding": [1, 0], "dilation": [1, 2], "groups": 2}), nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2), r(1, 2, 5, 5), modes=once)
case(spec("Conv2d", 1, 2, 3, {"padding": "same"}), nn.Conv2d(1, 2, 3, padding="same"), r(1, 1, 4, 4), modes=once)
for mode in ["reflect", "replicate", "circular"]:
    case(spec("Conv2d", 1, 1, 3, {"padding": 1, "paddingMode": mode}), nn.Conv2d(1, 1, 3, padding=1, padding_mode=mode), r(1, 1, 4, 3), modes=once)
case(spec("ConvTranspose2d", 2, 3, 3), nn.ConvTranspose2d(2, 3, 3), r(1, 2, 3, 3), modes=once)
case(spec("ConvTranspose2d", 4, 2, 3, {"stride": 2, "padding": 1, "outputPadding": 1, "groups": 2, "dilation": 1}), nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1, groups=2), r(1, 4, 3, 2), modes=once)
case(spec("MaxPool1d", 2), nn.MaxPool1d(2), r(1, 2, 5), modes=once)
case(spec("MaxPool2d", 2), nn.MaxPool2d(2), r(2, 2, 4, 5), modes=once)
case(spec("MaxPool2d", 3, {"stride": 2, "padding": 1, "dilation": 1, "ceilMode": True}), nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True), r(1, 1, 6, 6), modes=once)
case(spec("AvgPool1d", 2), nn.AvgPool1d(2), r(1, 2, 5), modes=once)
case(spec("AvgPool2d", 2), nn.AvgPool2d(2), r(2, 2, 4, 5), modes=once)
case(spec("AvgPool2d", 3, {"stride": 2, "padding": 1, "ceilMode": True, "countIncludePad": False}), nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False), r(1, 1, 6, 6), modes=once)
case(spec("AdaptiveAvgPool2d", [2, 3]), nn.AdaptiveAvgPool2d((2, 3)), r(1, 2, 5, 4), modes=once)
case(spec("AdaptiveAvgPool2d", 1), nn.AdaptiveAvgPool2d(1), r(2, 2, 3, 3), modes=once)
case(spec("Flatten"), nn.Flatten(), r(2, 3, 2), modes=once)
case(spec("Flatten", 0, 1), nn.Flatten(0, 1), r(2, 3, 2), modes=once)
case(spec("Unflatten", 1, [2, 3]), nn.Unflatten(1, (2, 3)), r(2, 6), modes=once)
case(spec("Identity"), nn.Identity(), r(2, 3), modes=once)
case(spec("Dropout", 0.5), nn.Dropout(0.5), r(2, 3), modes=(False,))
case(spec("Dropout", 0), nn.Dropout(0), r(2, 3))
case(spec("Dropout", 1), nn.Dropout(1), r(2, 3))
case(spec("Dropout2d", 0.5), nn.Dropout2d(0.5), r(2, 3, 2, 2), modes=(False,))
for x in [r(5, 3), r(2, 3, 4)]:
    case(spec("BatchNorm1d", 3), nn.BatchNorm1d(3), x, f"{x.dim()} dims")
case(spec("BatchNorm1d", 3, {"momentum": 0.4, "eps": 0.01, "affine": False}), nn.BatchNorm1d(3, momentum=0.4, eps=0.01, affine=False), r(5, 3))
case(spec("BatchNorm1d", 3, {"momentum": None}), nn.BatchNorm1d(3, momentum=None), r(5, 3))
case(spec("BatchNorm1d", 3, {"trackRunningStats": False}), nn.BatchNorm1d(3, track_running_stats=False), r(5, 3))
case(spec("BatchNorm2d", 2), nn.BatchNorm2d(2), r(3, 2, 2, 3))
case(spec("LayerNorm", 4), nn.LayerNorm(4), r(2, 3, 4), modes=once)
case(spec("LayerNorm", [3, 4], {"eps": 0.1}), nn.LayerNorm([3, 4], eps=0.1), r(2, 3, 4), modes=once)
case(spec("LayerNorm", 4, {"elementwiseAffine": False}), nn.LayerNorm(4, elementwise_affine=False), r(2, 4), modes=once)
case(spec("LayerNorm", 4, {"bias": False}), nn.LayerNorm(4, bias=False), r(2, 4), modes=once)
case(spec("Embedding", 5, 3), nn.Embedding(5, 3), torch.tensor([[0, 4, 2], [2, 2, 1]]), modes=once)
case(spec("Embedding", 5, 3, {"paddingIdx": 2}), nn.Embedding(5, 3, padding_idx=2), torch.tensor([[0, 4, 2], [2, 2, 1]]), modes=once)
case(spec("Embedding", 5, 3, {"paddingIdx": -1}), nn.Embedding(5, 3, padding_idx=-1), torch.tensor([4, 1]), modes=once)


class Hardsigmoid(nn.Module):
    """PyTorch's own gradient rounds 1/6 to float32."""
    def forward(self, x):
        return nn.functional.relu6(x + 3) / 6


kinks = torch.tensor([-25.0, -7.0, -6.0, -4.0, -3.0, -2.5, -1.0, -0.5, -0.01, 0.0, 0.01, 0.5, 1.0, 2.5, 3.0, 4.0, 6.0, 7.0, 19.0, 21.0, 25.0])
far = torch.tensor([-1e4, -100.0, 100.0, 1e4])
activations = [
    (spec("Sigmoid"), nn.Sigmoid()), (spec("Tanh"), nn.Tanh()), (spec("ReLU"), nn.ReLU()), (spec("ReLU6"), nn.ReLU6()), (spec("LeakyReLU"), nn.LeakyReLU()),
    (spec("LeakyReLU", 0.2), nn.LeakyReLU(0.2)), (spec("ELU"), nn.ELU()), (spec("ELU", 0.7), nn.ELU(0.7)), (spec("SELU"), nn.SELU()), (spec("GELU"), nn.GELU()),
    (spec("GELU", {"approximate": "tanh"}), nn.GELU(approximate="tanh")), (spec("SiLU"), nn.SiLU()), (spec("Mish"), nn.Mish()), (spec("Softplus"), nn.Softplus()),
    (spec("Softplus", 2, 5), nn.Softplus(2, 5)), (spec("Softsign"), nn.Softsign()), (spec("Hardsigmoid"), Hardsigmoid()), (spec("Hardtanh"), nn.Hardtanh()),
    (spec("Hardtanh", -2.5, 0.5), nn.Hardtanh(-2.5, 0.5)), (spec("Hardswish"), nn.Hardswish()), (spec("LogSigmoid"), nn.LogSigmoid()), (spec("PReLU", 1, 0.25), nn.PReLU()),
]
for made, layer in activations:
    case(made, layer, kinks, modes=once)
    case(made, layer, far, "far", once)
case(spec("PReLU", 3, 0.1), nn.PReLU(3, 0.1), r(2, 3, 2), modes=once)


class Step(nn.Module):
    def forward(self, x):
        return torch.heaviside(x.detach(), torch.tensor(1.0))


case(spec("Step"), Step(), kinks, modes=once)
for dim in [-1, 0, 1]:
    case(spec("Softmax", dim), nn.Softmax(dim), r(3, 4), modes=once)
    case(spec("LogSoftmax", dim), nn.LogSoftmax(dim), r(3, 4), modes=once)
case(spec("Softmax", 0), nn.Softmax(0), far, "far", once)
case(spec("LogSoftmax", 0), nn.LogSoftmax(0), far, "far", once)

# No bias before the normalisation: its gradient is 0, and only rounding would be compared.
network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, bias=False), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Sequential(nn.Linear(8, 4), nn.GELU(), nn.LayerNorm(4)), nn.Linear(4, 3))
case(spec("Sequential", spec("Conv2d", 1, 2, 3, {"padding": 1, "bias": False}), spec("BatchNorm2d", 2), spec("ReLU"), spec("MaxPool2d", 2), spec("Flatten"),
          spec("Sequential", spec("Linear", 8, 4), spec("GELU"), spec("LayerNorm", 4)), spec("Linear", 4, 3)), network, r(3, 1, 4, 4), "small network")

print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")))
