# Writes the models of bench/onnx.ts with random weights: shapes of known networks, dynamic batch.   usage: onnxModels.py DIR
# Needs torch, transformers and onnx. The files take 1 GB.
import sys, os
import torch
from torch import nn
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, ResNetConfig, ResNetForImageClassification

torch.manual_seed(0)
folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)


class Inverted(nn.Module):
    """A block of MobileNet V2."""

    def __init__(self, inside, outside, stride, growth):
        super().__init__()
        wide = inside * growth
        self.residual = stride == 1 and inside == outside
        layers = [] if growth == 1 else [nn.Conv2d(inside, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6()]
        layers += [nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.ReLU6()]
        layers += [nn.Conv2d(wide, outside, 1, bias=False), nn.BatchNorm2d(outside)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


def mobilenet():
    layers = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6()]
    inside = 32
    for growth, outside, count, stride in [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ]:
        for place in range(count):
            layers.append(Inverted(inside, outside, stride if place == 0 else 1, growth))
            inside = outside
    layers += [nn.Conv2d(inside, 1280, 1, bias=False), nn.BatchNorm2d(1280), nn.ReLU6()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000))


class Only(nn.Module):
    """One of the outputs of a transformers model."""

    def __init__(self, model, result, **options):
        super().__init__()
        self.model, self.result, self.options = model, result, options

    def forward(self, x):
        # Without a mask, transformers checks for packed texts with an operation that cannot be exported.
        mask = {"attention_mask": torch.ones_like(x)} if x.dtype == torch.long else {}
        return getattr(self.model(x, **mask, **self.options), self.result)


def resnet(depths, kind, sizes):
    config = ResNetConfig(depths=depths, layer_type=kind, hidden_sizes=sizes, embedding_size=64, num_labels=1000)
    return Only(ResNetForImageClassification(config), "logits")


image = torch.randn(1, 3, 224, 224)
tokens = torch.randint(0, 30000, (1, 128))
models = {
    "mlp": (nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)), torch.randn(1, 784)),
    "resnet-18": (resnet([2, 2, 2, 2], "basic", [64, 128, 256, 512]), image),
    "resnet-50": (resnet([3, 4, 6, 3], "bottleneck", [256, 512, 1024, 2048]), image),
    "mobilenet-v2": (mobilenet(), image),
    "bert-base": (Only(BertModel(BertConfig()), "last_hidden_state"), tokens),
    "gpt-2": (Only(GPT2LMHeadModel(GPT2Config()), "logits", use_cache=False), tokens),
}
for name, (model, example) in models.items():
    torch.onnx.export(
        model.eval(), (example,), f"{folder}/{name}.onnx", input_names=["x"], output_names=["y"],
        dynamic_axes={"x": {0: "batch"}}, opset_version=17, dynamo=False,
    )
    print(name, os.path.getsize(f"{folder}/{name}.onnx"))
