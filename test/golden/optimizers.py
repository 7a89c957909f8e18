"""Makes optimizers.json: 20 steps of every optimizer with its options, schedules and clipping, with PyTorch in float64.

    python test/golden/optimizers.py > test/golden/optimizers.json

The loss is that of a small network: mse(tanh(x @ a.T + b) @ c.T, y), so gradients change sign and size as it goes. A case holds
the parameters after steps 1, 2, 5, 6, 10 and 20. Lion is not in PyTorch; it is written out here from the paper.
"""
import json
import torch

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)  # NAdam keeps a running product in the default dtype, float32 otherwise
kept = [1, 2, 5, 6, 10, 20]


def r(*shape):
    return torch.round(torch.randn(*shape, dtype=torch.float64) * 100) / 100


x, y = r(6, 3), r(6, 2)
start = [r(4, 3), r(4), r(2, 4)]


def flat(t):
    return [float(f"{v:.17g}") for v in t.detach().reshape(-1).tolist()]


def loss_of(params):
    a, b, c = params
    return ((torch.tanh(x @ a.T + b) @ c.T - y) ** 2).mean()


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0, maximize=False):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay, maximize=maximize))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                g = -p.grad if group["maximize"] else p.grad
                m = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                first, second = group["betas"]
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.sub_(group["lr"] * torch.sign(first * m + (1 - first) * g))
                m.mul_(second).add_(g, alpha=1 - second)


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


cases = []


def case(name, make, options, clip=None):
    params = [p.clone().requires_grad_() for p in start]
    optimizer = make(params, **options)
    trajectory, norms = [], []
    for step in range(1, 21):
        optimizer.zero_grad()
        loss_of(params).backward()
        if clip and clip["kind"] == "norm":
            norms.append(float(torch.nn.utils.clip_grad_norm_(params, clip["limit"], norm_type=float(clip["type"]))))
        elif clip:
            torch.nn.utils.clip_grad_value_(params, clip["limit"])
        optimizer.step()
        if step in kept:
            trajectory.append([v for p in params for v in flat(p)])
    ours = {camel(k): list(v) if isinstance(v, tuple) else v for k, v in options.items()}
    cases.append({"name": f"{name} {json.dumps(ours)}" + (f" {json.dumps(clip)}" if clip else ""), "optimizer": name, "options": ours, "clip": clip, "norms": norms[:3], "trajectory": trajectory})


optim = torch.optim
for options in [{"lr": 0.1}, {"lr": 0.1, "weight_decay": 0.1}, {"lr": 0.05, "momentum": 0.9}, {"lr": 0.05, "momentum": 0.9, "dampening": 0.3},
                {"lr": 0.05, "momentum": 0.9, "nesterov": True}, {"lr": 0.05, "momentum": 0.8, "weight_decay": 0.05, "nesterov": True}, {"lr": 0.02, "momentum": 0.5, "maximize": True}, {}]:
    case("SGD", optim.SGD, options)
for options in [{}, {"lr": 0.1}, {"lr": 0.1, "lr_decay": 0.05, "weight_decay": 0.1}, {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3}, {"lr": 0.1, "maximize": True}]:
    case("Adagrad", optim.Adagrad, options)
for options in [{}, {"lr": 0.02, "alpha": 0.9}, {"lr": 0.02, "centered": True}, {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1}, {"lr": 0.02, "momentum": 0.5, "centered": True, "eps": 1e-4}, {"lr": 0.02, "maximize": True}]:
    case("RMSprop", optim.RMSprop, options)
for options in [{}, {"lr": 0.5, "rho": 0.8, "eps": 1e-4}, {"weight_decay": 0.1}, {"maximize": True}]:
    case("Adadelta", optim.Adadelta, options)
for options in [{}, {"lr": 0.05}, {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-4}, {"lr": 0.05, "weight_decay": 0.1}, {"lr": 0.05, "amsgrad": True}, {"lr": 0.05, "maximize": True}]:
    case("Adam", optim.Adam, options)
    case("AdamW", optim.AdamW, options)
case("AdamW", optim.AdamW, {"lr": 0.05, "weight_decay": 0.3, "amsgrad": True})
for options in [{}, {"lr": 0.05, "betas": (0.8, 0.95)}, {"lr": 0.05, "weight_decay": 0.1}, {"lr": 0.05, "maximize": True}]:
    case("Adamax", optim.Adamax, options)
for options in [{}, {"lr": 0.05, "betas": (0.8, 0.95)}, {"lr": 0.05, "weight_decay": 0.1}, {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}, {"lr": 0.05, "momentum_decay": 0.1}]:
    case("NAdam", optim.NAdam, options)
for options in [{}, {"lr": 0.05, "betas": (0.8, 0.95)}, {"lr": 0.05, "weight_decay": 0.1}, {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}]:
    case("RAdam", optim.RAdam, options)
for options in [{}, {"lr": 0.01}, {"lr": 0.01, "betas": (0.8, 0.9), "weight_decay": 0.1}, {"lr": 0.01, "maximize": True}]:
    case("Lion", Lion, options)
case("SGD", optim.SGD, {"lr": 0.1}, {"kind": "norm", "limit": 0.3, "type": "2"})
case("SGD", optim.SGD, {"lr": 0.1}, {"kind": "norm", "limit": 0.3, "type": "1"})
case("SGD", optim.SGD, {"lr": 0.1}, {"kind": "norm", "limit": 0.1, "type": "inf"})
case("SGD", optim.SGD, {"lr": 0.1}, {"kind": "norm", "limit": 0.3, "type": "3"})
case("SGD", optim.SGD, {"lr": 0.1}, {"kind": "value", "limit": 0.05})

schedules = []
s = optim.lr_scheduler


def schedule(name, make, arguments, metrics=None):
    optimizer = optim.SGD([{"params": [torch.zeros(1, requires_grad=True)]}, {"params": [torch.zeros(1, requires_grad=True)], "lr": 0.02}], lr=0.1, momentum=0.9)
    scheduler = make(optimizer)
    rates, momenta = [], []
    for step in range(30):
        rates.append([group["lr"] for group in optimizer.param_groups])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        scheduler.step(*([metrics[step]] if metrics else []))
    schedules.append({"name": f"{name} {json.dumps(arguments)}", "schedule": name, "arguments": arguments, "metrics": metrics, "rates": rates, "momenta": momenta})


schedule("StepLR", lambda o: s.StepLR(o, 7, gamma=0.3), [7, {"gamma": 0.3}])
schedule("StepLR", lambda o: s.StepLR(o, 10), [10])
schedule("MultiStepLR", lambda o: s.MultiStepLR(o, [3, 8, 20], gamma=0.5), [[3, 8, 20], {"gamma": 0.5}])
schedule("ExponentialLR", lambda o: s.ExponentialLR(o, 0.9), [0.9])
schedule("LinearLR", lambda o: s.LinearLR(o), [])
schedule("LinearLR", lambda o: s.LinearLR(o, start_factor=0.1, end_factor=0.7, total_iters=12), [{"startFactor": 0.1, "endFactor": 0.7, "totalIters": 12}])
schedule("PolynomialLR", lambda o: s.PolynomialLR(o, total_iters=20, power=2.0), [{"totalIters": 20, "power": 2}])
schedule("PolynomialLR", lambda o: s.PolynomialLR(o), [])
schedule("CosineAnnealingLR", lambda o: s.CosineAnnealingLR(o, 12, eta_min=0.001), [12, {"etaMin": 0.001}])
schedule("CosineAnnealingLR", lambda o: s.CosineAnnealingLR(o, 30), [30])
schedule("CosineAnnealingWarmRestarts", lambda o: s.CosineAnnealingWarmRestarts(o, 5), [5])
schedule("CosineAnnealingWarmRestarts", lambda o: s.CosineAnnealingWarmRestarts(o, 4, T_mult=2, eta_min=0.001), [4, {"tMult": 2, "etaMin": 0.001}])
schedule("OneCycleLR", lambda o: s.OneCycleLR(o, 0.5, total_steps=31), [{"maxLr": 0.5, "totalSteps": 31}])
schedule("OneCycleLR", lambda o: s.OneCycleLR(o, [0.5, 0.1], total_steps=31, pct_start=0.25, anneal_strategy="linear", div_factor=10, final_div_factor=100, three_phase=True),
         [{"maxLr": [0.5, 0.1], "totalSteps": 31, "pctStart": 0.25, "annealStrategy": "linear", "divFactor": 10, "finalDivFactor": 100, "threePhase": True}])
metrics = [3.0, 2.0, 1.5, 1.5, 1.4999, 1.6, 1.5, 1.2, 1.3, 1.3, 1.3, 1.3, 1.3, 1.19, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]
schedule("ReduceLROnPlateau", lambda o: s.ReduceLROnPlateau(o, patience=2), [{"patience": 2}], metrics)
schedule("ReduceLROnPlateau", lambda o: s.ReduceLROnPlateau(o, mode="max", factor=0.5, patience=1, threshold=0.2, threshold_mode="abs", cooldown=2, min_lr=0.01),
         [{"mode": "max", "factor": 0.5, "patience": 1, "threshold": 0.2, "thresholdMode": "abs", "cooldown": 2, "minLr": 0.01}], metrics)

print(json.dumps({"torch": torch.__version__, "kept": kept, "x": flat(x), "y": flat(y), "start": [{"shape": list(p.shape), "dtype": "float64", "data": flat(p)} for p in start],
                  "cases": cases, "schedules": schedules}, separators=(",", ":")))
