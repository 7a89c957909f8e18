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


class Lamb(torch.optim.Optimizer):
    """Algorithm 2 of You et al. 2020, with bias corrections and phi the identity."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0, maximize=False):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            first, second = group["betas"]
            for p in group["params"]:
                g = -p.grad if group["maximize"] else p.grad
                state = self.state[p]
                state["t"] = t = state.get("t", 0) + 1
                m = state.setdefault("m", torch.zeros_like(p)).mul_(first).add_(g, alpha=1 - first)
                v = state.setdefault("v", torch.zeros_like(p)).mul_(second).addcmul_(g, g, value=1 - second)
                u = (m / (1 - first**t)) / ((v / (1 - second**t)).sqrt() + group["eps"]) + group["weight_decay"] * p
                size, length = p.norm(), u.norm()
                p.sub_(group["lr"] * (size / length if size > 0 and length > 0 else 1.0) * u)


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


cases = []


def case(name, make, options, clip=None, later=None, groups=None):
    """`later`: options that change after a number of steps. `groups`: separate options for each parameter; None freezes it."""
    params = [p.clone().requires_grad_() for p in start]
    if groups:
        for p, own in zip(params, groups):
            p.requires_grad_(own is not None)
        optimizer = make([{"params": [p], **own} for p, own in zip(params, groups) if own is not None], **options)
    else:
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
        for group in optimizer.param_groups:
            group.update((later or {}).get(step, {}))
        if step in kept:
            trajectory.append([v for p in params for v in flat(p)])
    translated = lambda o: {camel(k): list(v) if isinstance(v, tuple) else v for k, v in o.items()}
    ours = translated(options)
    cases.append({"name": f"{name} {json.dumps(ours)}" + (f" {json.dumps(clip)}" if clip else "") + (" changing" if later else "") + (" groups" if groups else ""), "later": {k: translated(v) for k, v in (later or {}).items()}, "groups": [g and translated(g) for g in groups] if groups else None, "optimizer": name, "options": ours, "clip": clip, "norms": norms[:3], "trajectory": trajectory})


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
for options in [{}, {"lr": 0.1}, {"lr": 0.05, "etas": (0.3, 1.5), "step_sizes": (1e-3, 0.2)}, {"maximize": True}]:
    case("Rprop", optim.Rprop, options)
for options in [{}, {"lr": 0.1, "lambd": 0.05, "alpha": 0.5}, {"lr": 0.1, "t0": 5.0, "weight_decay": 0.1}, {"lr": 0.05, "maximize": True}]:
    case("ASGD", optim.ASGD, options)
for options in [{"weight_decay": 0.2}, {"maximize": True, "weight_decay": 0.1}]:
    for name in ["SGD", "Adagrad", "RMSprop", "Adadelta", "Adam", "AdamW", "Adamax", "NAdam", "RAdam"]:
        case(name, getattr(optim, name), {"lr": 0.03, **options})
case("NAdam", optim.NAdam, {"lr": 0.05, "betas": (0.7, 0.9), "momentum_decay": 0.05, "weight_decay": 0.1, "eps": 1e-4})
case("RAdam", optim.RAdam, {"lr": 0.05, "betas": (0.7, 0.8), "eps": 1e-4, "maximize": True})
case("Adam", optim.Adam, {"lr": 0.05, "betas": (0.7, 0.9), "amsgrad": True, "weight_decay": 0.1, "maximize": True})
case("SGD", optim.SGD, {"lr": 0.05, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1, "maximize": True})
case("SGD", optim.SGD, {"lr": 0.1}, {"kind": "norm", "limit": 0.3, "type": "2"})
case("SGD", optim.SGD, {"lr": 0.1}, {"kind": "norm", "limit": 0.3, "type": "1"})
case("SGD", optim.SGD, {"lr": 0.1}, {"kind": "norm", "limit": 0.1, "type": "inf"})
case("SGD", optim.SGD, {"lr": 0.1}, {"kind": "norm", "limit": 0.3, "type": "3"})
case("SGD", optim.SGD, {"lr": 0.1}, {"kind": "value", "limit": 0.05})

# Options that change during training must not be compiled into a step.
changes = [("SGD", {"lr": 0.05, "momentum": 0.9}, {"momentum": 0.5, "weight_decay": 0.1}), ("Adam", {"lr": 0.05}, {"betas": (0.8, 0.99), "weight_decay": 0.1}), ("AdamW", {"lr": 0.05}, {"weight_decay": 0.3, "eps": 1e-4}),
           ("RMSprop", {"lr": 0.02, "momentum": 0.5}, {"alpha": 0.9, "momentum": 0.8}), ("Adadelta", {}, {"rho": 0.8, "lr": 0.5}), ("Adagrad", {"lr": 0.1, "lr_decay": 0.01}, {"lr_decay": 0.1, "eps": 1e-3}),
           ("Adamax", {}, {"betas": (0.8, 0.9), "lr": 0.05}), ("NAdam", {"lr": 0.05}, {"momentum_decay": 0.1, "weight_decay": 0.1}), ("RAdam", {"lr": 0.05}, {"weight_decay": 0.1, "eps": 1e-4})]
for name, options, later in changes:
    case(name, getattr(optim, name), options, later={4: later, 12: {"lr": 0.01}})
case("Lion", Lion, {"lr": 0.01}, later={4: {"betas": (0.8, 0.9), "weight_decay": 0.1}})
# Groups with separate options, and a frozen parameter among them.
for name in ["SGD", "Adagrad", "RMSprop", "Adadelta", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Rprop", "ASGD"]:
    case(name, getattr(optim, name), {"lr": 0.03}, groups=[{"lr": 0.01}, {}, {"maximize": False, "lr": 0.05}])
    case(name, getattr(optim, name), {"lr": 0.03}, groups=[{}, None, {"lr": 0.05}])

# The steps of Muon in float64, where PyTorch uses bfloat16; the vector is left to other optimizers.
torch.Tensor.bfloat16 = lambda self: self.clone()
for options in [{}, {"lr": 0.05}, {"lr": 0.05, "nesterov": False, "momentum": 0.8, "weight_decay": 0.3}, {"lr": 0.05, "ns_steps": 3, "adjust_lr_fn": "match_rms_adamw", "ns_coefficients": (2.0, -1.5, 0.5)}]:
    case("Muon", optim.Muon, options, groups=[{}, None, {}])

for options in [{}, {"lr": 0.05}, {"lr": 0.05, "beta2_decay": -0.5, "d": 1.5, "weight_decay": 0.2}, {"lr": 0.05, "eps": (1e-4, 0.1), "maximize": True}]:
    case("Adafactor", optim.Adafactor, options)
case("Adafactor", optim.Adafactor, {"lr": 0.05}, later={4: {"d": 2.0, "weight_decay": 0.1}, 12: {"lr": 0.01}})
for options in [{}, {"lr": 0.02}, {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.1}, {"lr": 0.02, "maximize": True}]:
    case("LAMB", Lamb, options)
case("LAMB", Lamb, {"lr": 0.02}, later={4: {"betas": (0.7, 0.9), "weight_decay": 0.1}, 12: {"lr": 0.01}})

schedules = []
s = optim.lr_scheduler


def follow(make, metrics, by_hand):
    """30 rates; with `by_hand`, rates are set by hand in between, once relative to the current ones and once absolutely."""
    optimizer = optim.SGD([{"params": [torch.zeros(1, requires_grad=True)]}, {"params": [torch.zeros(1, requires_grad=True)], "lr": 0.02}], lr=0.1, momentum=0.9)
    scheduler = make(optimizer)
    rates, momenta = [], []
    for step in range(30):
        rates.append([group["lr"] for group in optimizer.param_groups])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * 3 if by_hand and step == 6 else 0.05 if by_hand and step == 14 else group["lr"]
        scheduler.step(*([metrics[step]] if metrics else []))
    return rates, momenta


def schedule(name, make, arguments, metrics=None):
    rates, momenta = follow(make, metrics, False)
    by_hand, _ = follow(make, metrics, True)
    schedules.append({"name": f"{name} {json.dumps(arguments)}", "schedule": name, "arguments": arguments, "metrics": metrics, "rates": rates, "momenta": momenta, "byHand": by_hand})


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
# Functions are named; the test has the same ones.
halving, waves = (lambda t: 0.5 ** t), (lambda t: 1 + 0.1 * (t % 3))
schedule("OneCycleLR", lambda o: s.OneCycleLR(o, 0.5, total_steps=30), [{"maxLr": 0.5, "totalSteps": 30}])
schedule("LambdaLR", lambda o: s.LambdaLR(o, halving), [{"fn": "halving"}])
schedule("LambdaLR", lambda o: s.LambdaLR(o, [halving, waves]), [[{"fn": "halving"}, {"fn": "waves"}]])
schedule("MultiplicativeLR", lambda o: s.MultiplicativeLR(o, waves), [{"fn": "waves"}])
schedule("ConstantLR", lambda o: s.ConstantLR(o), [])
schedule("ConstantLR", lambda o: s.ConstantLR(o, factor=0.2, total_iters=11), [{"factor": 0.2, "totalIters": 11}])
schedule("CyclicLR", lambda o: s.CyclicLR(o, 0.01, 0.2, step_size_up=4), [{"baseLr": 0.01, "maxLr": 0.2, "stepSizeUp": 4}])
schedule("CyclicLR", lambda o: s.CyclicLR(o, [0.01, 0.02], [0.2, 0.1], step_size_up=3, step_size_down=5, mode="triangular2", base_momentum=0.7, max_momentum=0.95),
         [{"baseLr": [0.01, 0.02], "maxLr": [0.2, 0.1], "stepSizeUp": 3, "stepSizeDown": 5, "mode": "triangular2", "baseMomentum": 0.7, "maxMomentum": 0.95}])
schedule("CyclicLR", lambda o: s.CyclicLR(o, 0.01, 0.2, step_size_up=4, mode="exp_range", gamma=0.9, cycle_momentum=False), [{"baseLr": 0.01, "maxLr": 0.2, "stepSizeUp": 4, "mode": "expRange", "gamma": 0.9, "cycleMomentum": False}])
schedule("CyclicLR", lambda o: s.CyclicLR(o, 0.01, 0.2, step_size_up=4, scale_fn=halving, scale_mode="iterations"), [{"baseLr": 0.01, "maxLr": 0.2, "stepSizeUp": 4, "scaleFn": {"fn": "halving"}, "scaleMode": "iterations"}])
schedule("SWALR", lambda o: torch.optim.swa_utils.SWALR(o, 0.05), [{"swaLr": 0.05}])
schedule("SWALR", lambda o: torch.optim.swa_utils.SWALR(o, [0.05, 0.01], anneal_epochs=7, anneal_strategy="linear"), [{"swaLr": [0.05, 0.01], "annealEpochs": 7, "annealStrategy": "linear"}])
schedule("ChainedScheduler", lambda o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 4), s.ExponentialLR(o, 0.9)]), [[{"make": "ConstantLR", "with": [{"factor": 0.1, "totalIters": 4}]}, {"make": "ExponentialLR", "with": [0.9]}]])
schedule("ChainedScheduler", lambda o: s.ChainedScheduler([s.LinearLR(o, total_iters=6), s.StepLR(o, 5), s.MultiplicativeLR(o, waves)]),
         [[{"make": "LinearLR", "with": [{"totalIters": 6}]}, {"make": "StepLR", "with": [5]}, {"make": "MultiplicativeLR", "with": [{"fn": "waves"}]}]])
schedule("ChainedScheduler", lambda o: s.ChainedScheduler([s.CosineAnnealingLR(o, 12, eta_min=0.001), s.MultiStepLR(o, [6, 20], gamma=0.5)]),
         [[{"make": "CosineAnnealingLR", "with": [12, {"etaMin": 0.001}]}, {"make": "MultiStepLR", "with": [[6, 20], {"gamma": 0.5}]}]])
schedule("SequentialLR", lambda o: s.SequentialLR(o, [s.LinearLR(o, 0.1, total_iters=5), s.ExponentialLR(o, 0.9)], [5]), [[{"make": "LinearLR", "with": [{"startFactor": 0.1, "totalIters": 5}]}, {"make": "ExponentialLR", "with": [0.9]}], [5]])
schedule("SequentialLR", lambda o: s.SequentialLR(o, [s.ConstantLR(o, 0.1, 4), s.CosineAnnealingLR(o, 10), s.StepLR(o, 3, gamma=0.5)], [4, 14]),
         [[{"make": "ConstantLR", "with": [{"factor": 0.1, "totalIters": 4}]}, {"make": "CosineAnnealingLR", "with": [10]}, {"make": "StepLR", "with": [3, {"gamma": 0.5}]}], [4, 14]])
metrics = [3.0, 2.0, 1.5, 1.5, 1.4999, 1.6, 1.5, 1.2, 1.3, 1.3, 1.3, 1.3, 1.3, 1.19, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]
schedule("SequentialLR", lambda o: s.SequentialLR(o, [s.StepLR(o, 2, gamma=0.7), s.MultiplicativeLR(o, waves)], [9]), [[{"make": "StepLR", "with": [2, {"gamma": 0.7}]}, {"make": "MultiplicativeLR", "with": [{"fn": "waves"}]}], [9]])
schedule("SequentialLR", lambda o: s.SequentialLR(o, [s.LinearLR(o, 0.2, total_iters=4), s.CosineAnnealingWarmRestarts(o, 6), s.PolynomialLR(o, 9)], [5, 18]),
         [[{"make": "LinearLR", "with": [{"startFactor": 0.2, "totalIters": 4}]}, {"make": "CosineAnnealingWarmRestarts", "with": [6]}, {"make": "PolynomialLR", "with": [{"totalIters": 9}]}], [5, 18]])
schedule("ChainedScheduler", lambda o: s.ChainedScheduler([s.PolynomialLR(o, 25, power=0.9), s.StepLR(o, 8, gamma=0.6)]), [[{"make": "PolynomialLR", "with": [{"totalIters": 25, "power": 0.9}]}, {"make": "StepLR", "with": [8, {"gamma": 0.6}]}]])
schedule("MultiStepLR", lambda o: s.MultiStepLR(o, [4, 4, 20], gamma=0.5), [[4, 4, 20], {"gamma": 0.5}])
schedule("ConstantLR", lambda o: s.ConstantLR(o, factor=1.0, total_iters=3), [{"factor": 1, "totalIters": 3}])
schedule("LinearLR", lambda o: s.LinearLR(o, start_factor=1.0, end_factor=0.0, total_iters=10), [{"startFactor": 1, "endFactor": 0, "totalIters": 10}])
schedule("ReduceLROnPlateau", lambda o: s.ReduceLROnPlateau(o, patience=2), [{"patience": 2}], metrics)
schedule("ReduceLROnPlateau", lambda o: s.ReduceLROnPlateau(o, mode="max", factor=0.5, patience=1, threshold=0.2, threshold_mode="abs", cooldown=2, min_lr=0.01),
         [{"mode": "max", "factor": 0.5, "patience": 1, "threshold": 0.2, "thresholdMode": "abs", "cooldown": 2, "minLr": 0.01}], metrics)

schedule("ReduceLROnPlateau", lambda o: s.ReduceLROnPlateau(o, patience=0, factor=0.3, min_lr=[0.03, 0.001], eps=1e-4), [{"patience": 0, "factor": 0.3, "minLr": [0.03, 0.001], "eps": 1e-4}], metrics)

# Averages of the weights over 20 steps of SGD.
averages = []
for name, options, make in [("EMA", {"decay": 0.9}, lambda m: torch.optim.swa_utils.AveragedModel(m, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))), ("SWA", {}, torch.optim.swa_utils.AveragedModel)]:
    model = torch.nn.ParameterList([torch.nn.Parameter(p.clone()) for p in start])
    averaged, optimizer, trajectory = make(model), optim.SGD(model.parameters(), lr=0.1), []
    for step in range(1, 21):
        optimizer.zero_grad()
        loss_of(list(model)).backward()
        optimizer.step()
        averaged.update_parameters(model)
        if step in kept:
            trajectory.append([v for p in averaged.module for v in flat(p)])
    averages.append({"name": name, "options": options, "trajectory": trajectory})

# L-BFGS: losses and weights after each of 5 steps.
searches = []
for options in [{}, {"lr": 0.5, "max_iter": 6}, {"history_size": 3, "lr": 0.3, "max_iter": 5}, {"line_search_fn": "strong_wolfe"}, {"line_search_fn": "strong_wolfe", "max_iter": 4, "history_size": 2}, {"line_search_fn": "strong_wolfe", "lr": 5.0, "max_iter": 3}]:
    params = [p.clone().requires_grad_() for p in start]
    optimizer, losses, trajectory = optim.LBFGS(params, **options), [], []

    def closure():
        optimizer.zero_grad()
        loss = loss_of(params)
        loss.backward()
        return loss

    for step in range(5):
        losses.append(float(optimizer.step(closure)))
        trajectory.append([v for p in params for v in flat(p)])
    ours = {camel(k): "strongWolfe" if v == "strong_wolfe" else v for k, v in options.items()}
    searches.append({"name": json.dumps(ours), "options": ours, "losses": losses, "trajectory": trajectory})

print(json.dumps({"searches": searches, "averages": averages, "torch": torch.__version__, "kept": kept, "x": flat(x), "y": flat(y), "start": [{"shape": list(p.shape), "dtype": "float64", "data": flat(p)} for p in start],
                  "cases": cases, "schedules": schedules}, separators=(",", ":")))
