"""Makes the small models of fixtures/ with PyTorch's exporter, and what PyTorch computes with them.

usage: python makeModels.py   (in this folder)
"""
import json
import os

import numpy as np
import torch
from torch import nn

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 8, 3, stride=2)
        self.bn2 = nn.BatchNorm2d(8)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.max_pool2d(torch.relu(self.bn2(self.conv2(x))), 2)
        return self.fc(x.mean((2, 3)))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 6)
        self.lstm = nn.LSTM(6, 8, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(16, 3)

    def forward(self, x):
        y, _ = self.lstm(self.embedding(x))
        return self.fc(y.mean(1))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 8)
        self.norm1 = nn.LayerNorm(8)
        self.qkv = nn.Linear(8, 24)
        self.out = nn.Linear(8, 8)
        self.norm2 = nn.LayerNorm(8)
        self.up = nn.Linear(8, 16)
        self.down = nn.Linear(16, 8)
        self.head = nn.Linear(8, 3)
        # The exporter merges equal weights into one.
        for norm in [self.norm1, self.norm2]:
            nn.init.normal_(norm.weight, 1, 0.1)
            nn.init.normal_(norm.bias, 0, 0.1)

    def forward(self, x):
        h = self.embedding(x)
        b, t, d = h.shape
        q, k, v = self.qkv(self.norm1(h)).reshape(b, t, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        scores = q @ k.transpose(-2, -1) / 2.0
        mask = torch.full((t, t), float("-inf")).triu(1)
        a = (scores + mask).softmax(-1) @ v
        h = h + self.out(a.transpose(1, 2).reshape(b, t, d))
        h = h + self.down(nn.functional.gelu(self.up(self.norm2(h))))
        return self.head(h.mean(1))


def main():
    torch.manual_seed(0)
    images = torch.randn(6, 1, 8, 8)
    tokens = torch.randint(0, 11, (6, 5))
    figures = {}
    for name, model, x in [("cnn", Cnn(), images), ("lstm", Lstm(), tokens), ("transformer", Transformer(), tokens)]:
        if name == "cnn":
            for _ in range(5):
                model(torch.randn(16, 1, 8, 8))
        model.eval()
        for opset in [14, 17]:
            path = os.path.join(OUT, f"{name}-{opset}.onnx")
            torch.onnx.export(
                model, (x,), path, opset_version=opset, dynamo=False, input_names=["x"], output_names=["y"],
                dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}}, training=torch.onnx.TrainingMode.PRESERVE,
                do_constant_folding=False,
            )
        y = model(x)
        figures[name] = {
            "x": x.flatten().tolist(), "shape": list(x.shape), "y": y.flatten().tolist(),
            "parameters": sorted(n for n, _ in model.named_parameters()),
        }
    with open(os.path.join(OUT, "models.json"), "w") as out:
        json.dump(figures, out)
    print({name: np.round(f["y"][:3], 4).tolist() for name, f in figures.items()})


main()
