"""Makes losses.json: every loss with its options and reductions, values and gradients, computed with PyTorch in float64.

    python test/golden/losses.py > test/golden/losses.json

A case names our function, its inputs, its options (tensors among them apart), the output, and the gradient of
sum(output * w), w_i = cos(i + 1), for each float input. Hinge and focal are not in PyTorch; they are written out here.
"""
import json
import torch
import torch.nn.functional as F

torch.manual_seed(11)
cases = []


def data(t):
    return {"shape": list(t.shape), "dtype": "float64" if t.dtype.is_floating_point else "int32",
            "data": [float(f"{x:.17g}") for x in t.detach().reshape(-1).tolist()]}


def plain(x):
    return "nan" if x != x else x


def case(fn, function, inputs, options=None, tensors=None, reductions=("none", "mean", "sum"), label=""):
    """function(*inputs, reduction=..., **tensors) in PyTorch's words; options and tensors in ours."""
    for reduction in reductions:
        held = [x.clone().requires_grad_() if x.dtype.is_floating_point else x for x in inputs]
        out = function(*held, reduction=reduction)
        floats = [x for x in held if x.dtype.is_floating_point]
        w = torch.cos(torch.arange(1, out.numel() + 1, dtype=torch.float64)).reshape(out.shape)
        found = iter(torch.autograd.grad((out * w).sum(), floats, allow_unused=True))
        grads = []
        for x in held:
            g = next(found) if x.dtype.is_floating_point else None
            grads.append(None if g is None else [plain(v) for v in data(g)["data"]])
        output = data(out)
        output["data"] = [plain(v) for v in output["data"]]
        cases.append({"name": " ".join(filter(None, [fn, label, reduction])), "fn": fn, "inputs": [data(x) for x in inputs],
                      "options": {**(options or {}), "reduction": reduction},
                      "tensors": {k: data(v) for k, v in (tensors or {}).items()}, "output": output, "gradients": grads})


def r(*shape):
    return torch.round(torch.randn(*shape, dtype=torch.float64) * 100) / 100


def u(*shape):
    return torch.round(torch.rand(*shape, dtype=torch.float64) * 90 + 5) / 100


def signs(*shape):
    return torch.sign(r(*shape) + 0.001)


x, y = r(3, 4), r(3, 4)
case("mse", lambda a, b, reduction: F.mse_loss(a, b, reduction=reduction), [x, y])
case("l1", lambda a, b, reduction: F.l1_loss(a, b, reduction=reduction), [x, y])
for delta in [1.0, 0.3]:
    case("huber", lambda a, b, reduction: F.huber_loss(a, b, reduction=reduction, delta=delta), [x, y], {"delta": delta}, label=f"delta {delta}")
for beta in [1.0, 0.25, 0.0]:
    case("smoothL1", lambda a, b, reduction: F.smooth_l1_loss(a, b, reduction=reduction, beta=beta), [x, y], {"beta": beta}, label=f"beta {beta}")

p, t = u(3, 4), u(3, 4)
case("bce", lambda a, b, reduction: F.binary_cross_entropy(a, b, reduction=reduction), [p, t])
# Targets without a gradient: PyTorch's is infinite there, although its logarithm stops at -100.
case("bce", lambda a, b, reduction: F.binary_cross_entropy(a, b.double(), reduction=reduction),
     [torch.tensor([0.0, 1.0, 0.0, 1.0, 1e-50]).double(), torch.tensor([0, 1, 1, 0, 1])], label="extremes")
w = u(3, 4)
case("bce", lambda a, b, reduction: F.binary_cross_entropy(a, b, weight=w, reduction=reduction), [p, t], tensors={"weight": w}, label="weight")
case("bceWithLogits", lambda a, b, reduction: F.binary_cross_entropy_with_logits(a, b, reduction=reduction), [x, t])
far = torch.tensor([1e4, -1e4, 1e4, -1e4, 0.0, 40.0, -40.0]).double()
case("bceWithLogits", lambda a, b, reduction: F.binary_cross_entropy_with_logits(a, b, reduction=reduction),
     [far, torch.tensor([0.0, 1.0, 1.0, 0.0, 0.5, 1.0, 0.0]).double()], label="far")
pw = u(4) * 3
case("bceWithLogits", lambda a, b, reduction: F.binary_cross_entropy_with_logits(a, b, pos_weight=pw, reduction=reduction), [x, t], tensors={"posWeight": pw}, label="posWeight")
case("bceWithLogits", lambda a, b, reduction: F.binary_cross_entropy_with_logits(a, b, weight=w, pos_weight=pw, reduction=reduction), [x, t],
     tensors={"weight": w, "posWeight": pw}, label="both weights")

logits, classes = r(5, 4) * 2, torch.tensor([0, 3, 1, 1, 2])
cw = u(4)
case("crossEntropy", lambda a, b, reduction: F.cross_entropy(a, b, reduction=reduction), [logits, classes])
case("crossEntropy", lambda a, b, reduction: F.cross_entropy(a, b, weight=cw, reduction=reduction), [logits, classes], tensors={"weight": cw}, label="weight")
case("crossEntropy", lambda a, b, reduction: F.cross_entropy(a, b, label_smoothing=0.2, reduction=reduction), [logits, classes], {"labelSmoothing": 0.2}, label="smoothing")
case("crossEntropy", lambda a, b, reduction: F.cross_entropy(a, b, weight=cw, label_smoothing=0.2, ignore_index=1, reduction=reduction), [logits, classes],
     {"labelSmoothing": 0.2, "ignoreIndex": 1}, {"weight": cw}, label="all options")
some = torch.tensor([0, -100, 1, -100, 2])
case("crossEntropy", lambda a, b, reduction: F.cross_entropy(a, b, reduction=reduction), [logits, some], label="some ignored")
case("crossEntropy", lambda a, b, reduction: F.cross_entropy(a, b, weight=cw, reduction=reduction), [logits, some], tensors={"weight": cw}, label="some ignored, weight")
case("crossEntropy", lambda a, b, reduction: F.cross_entropy(a, b, reduction=reduction), [logits, torch.full((5,), -100)], label="all ignored", reductions=("none", "sum"))
case("crossEntropy", lambda a, b, reduction: F.cross_entropy(a, b, reduction=reduction), [r(2, 3, 2, 2), torch.tensor([[[0, 1], [2, 2]], [[1, 1], [0, 2]]])], label="images")
case("crossEntropy", lambda a, b, reduction: F.cross_entropy(a, b, reduction=reduction), [r(4), torch.tensor(2)], label="one sample")
case("crossEntropy", lambda a, b, reduction: F.cross_entropy(a, b, reduction=reduction),
     [torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 9999.0], [1e4, 1e4, 1e4]]).double(), torch.tensor([1, 1, 2])], label="far")
soft = torch.softmax(r(5, 4), 1)
case("crossEntropy", lambda a, b, reduction: F.cross_entropy(a, b, reduction=reduction), [logits, soft], label="probabilities")
case("crossEntropy", lambda a, b, reduction: F.cross_entropy(a, b, weight=cw, label_smoothing=0.1, reduction=reduction), [logits, soft], {"labelSmoothing": 0.1}, {"weight": cw},
     label="probabilities, all options")
case("crossEntropy", lambda a, b, reduction: F.cross_entropy(a, b, reduction=reduction), [r(2, 3, 2), torch.softmax(r(2, 3, 2), 1)], label="probabilities, sequence")
logs = torch.log_softmax(logits, 1)
case("nll", lambda a, b, reduction: F.nll_loss(a, b, reduction=reduction), [logs, classes])
case("nll", lambda a, b, reduction: F.nll_loss(a, b, weight=cw, ignore_index=1, reduction=reduction), [logs, classes], {"ignoreIndex": 1}, {"weight": cw}, label="all options")
case("nll", lambda a, b, reduction: F.nll_loss(a, b, reduction=reduction), [r(2, 3, 2), torch.tensor([[0, 1], [2, 2]])], label="sequence")

every = ("none", "mean", "sum", "batchmean")
case("klDiv", lambda a, b, reduction: F.kl_div(a, b, reduction=reduction), [logs, soft], reductions=every)
case("klDiv", lambda a, b, reduction: F.kl_div(a, b, reduction=reduction, log_target=True), [logs, torch.log(soft)], {"logTarget": True}, label="log target", reductions=every)


def reduced(losses, reduction):
    return losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()


s = signs(3, 4)
for margin in [1.0, 0.4]:
    case("hinge", lambda a, b, reduction: reduced(torch.relu(margin - a * b), reduction), [x, s], {"margin": margin}, label=f"margin {margin}")
    case("hingeEmbedding", lambda a, b, reduction: F.hinge_embedding_loss(a, b, margin=margin, reduction=reduction), [x, s], {"margin": margin}, label=f"margin {margin}")
si = torch.tensor([1, -1, 1, -1, -1])
for margin in [0.0, 0.3]:
    case("cosineEmbedding", lambda a, b, c, reduction: F.cosine_embedding_loss(a, b, c, margin=margin, reduction=reduction), [r(5, 3), r(5, 3), si], {"margin": margin}, label=f"margin {margin}")
case("softMargin", lambda a, b, reduction: F.soft_margin_loss(a, b.double(), reduction=reduction), [x, s.long()])

counts = torch.tensor([[0.0, 1.0, 2.0, 5.0]] * 3).double()
case("poissonNll", lambda a, b, reduction: F.poisson_nll_loss(a, b, reduction=reduction), [x, counts])
# Whole targets, without a gradient: PyTorch's is NaN at 0, from the branch not taken.
case("poissonNll", lambda a, b, reduction: F.poisson_nll_loss(a, b.double(), full=True, reduction=reduction), [x, counts.long()], {"full": True}, label="full")
case("poissonNll", lambda a, b, reduction: F.poisson_nll_loss(a, b, log_input=False, eps=1e-3, reduction=reduction), [p, counts], {"logInput": False, "eps": 1e-3}, label="rates")
case("gaussianNll", lambda a, b, c, reduction: F.gaussian_nll_loss(a, b, c, reduction=reduction), [x, y, p])
case("gaussianNll", lambda a, b, c, reduction: F.gaussian_nll_loss(a, b, c, full=True, eps=0.3, reduction=reduction), [x, y, p], {"full": True, "eps": 0.3}, label="full")
case("gaussianNll", lambda a, b, c, reduction: F.gaussian_nll_loss(a, b, c, reduction=reduction), [x, y, u(3, 1)], label="one variance for each row")
case("gaussianNll", lambda a, b, c, reduction: F.gaussian_nll_loss(a, b, c, reduction=reduction), [x, y, u(3)], label="variance without the last dim")
a, b, c = r(4, 3), r(4, 3), r(4, 3)
case("triplet", lambda a, b, c, reduction: F.triplet_margin_loss(a, b, c, reduction=reduction), [a, b, c])
case("triplet", lambda a, b, c, reduction: F.triplet_margin_loss(a, b, c, margin=0.5, p=1, swap=True, reduction=reduction), [a, b, c], {"margin": 0.5, "p": 1, "swap": True}, label="p 1, swap")
case("triplet", lambda a, b, c, reduction: F.triplet_margin_loss(a, b, c, margin=2, p=3, reduction=reduction), [a, b, c], {"margin": 2, "p": 3}, label="p 3")


for margin in [0.0, 0.5]:
    case("marginRanking", lambda a, b, c, reduction: F.margin_ranking_loss(a, b, c.double(), margin=margin, reduction=reduction), [x, y, s.long()], {"margin": margin}, label=f"margin {margin}")
for swap in [False, True]:
    case("tripletWithDistance", lambda a, b, c, reduction: F.triplet_margin_with_distance_loss(a, b, c, margin=0.7, swap=swap, reduction=reduction), [a, b, c], {"margin": 0.7, "swap": swap}, label=f"swap {swap}")
for power in [1, 2]:
    case("multiMargin", lambda a, b, reduction: F.multi_margin_loss(a, b, p=power, reduction=reduction), [logits, classes], {"p": power}, label=f"p {power}")
case("multiMargin", lambda a, b, reduction: F.multi_margin_loss(a, b, margin=0.4, weight=cw, reduction=reduction), [logits, classes], {"margin": 0.4}, {"weight": cw}, label="weight")
case("multiMargin", lambda a, b, reduction: F.multi_margin_loss(a, b, reduction=reduction), [r(4), torch.tensor(2)], label="one sample")
lists = torch.tensor([[0, 2, -1, 1], [-1, 0, 0, 0], [3, 1, 0, 2], [1, -1, 2, -1], [2, 2, -1, -1]])
case("multilabelMargin", lambda a, b, reduction: F.multilabel_margin_loss(a, b, reduction=reduction), [logits, lists])
case("multilabelMargin", lambda a, b, reduction: F.multilabel_margin_loss(a, b, reduction=reduction), [r(4), lists[0]], label="one sample")
several = (s + 1) / 2
case("multilabelSoftMargin", lambda a, b, reduction: F.multilabel_soft_margin_loss(a, b, reduction=reduction), [x, several])
case("multilabelSoftMargin", lambda a, b, reduction: F.multilabel_soft_margin_loss(a, b, weight=cw, reduction=reduction), [x, several], tensors={"weight": cw}, label="weight")


def focal(x, t, alpha, gamma):
    p = torch.sigmoid(x)
    loss = F.binary_cross_entropy_with_logits(x, t, reduction="none") * (1 - (p * t + (1 - p) * (1 - t))) ** gamma
    return loss if alpha < 0 else loss * (alpha * t + (1 - alpha) * (1 - t))


hard = (s + 1) / 2
for alpha, gamma in [(0.25, 2.0), (-1.0, 2.0), (0.6, 0.5), (0.5, 0.0)]:
    case("focal", lambda a, b, reduction: reduced(focal(a, b, alpha, gamma), reduction), [x, hard], {"alpha": alpha, "gamma": gamma}, label=f"alpha {alpha}, gamma {gamma}")



def ctc(lp, targets, times, sizes, blank, zero_infinity, reduction):
    """The forward algorithm of Graves et al. 2006, whose slope is the function's own; PyTorch's is that after a log_softmax. The values are PyTorch's."""
    losses = []
    for n in range(lp.shape[1]):
        labels = targets[n, : sizes[n]].tolist()
        states = [blank] + [s for label in labels for s in (label, blank)]
        alpha = [lp.new_tensor(0.0)] + [lp.new_tensor(-torch.inf)] * (len(states) - 1)
        for t in range(int(times[n])):
            ways = [[alpha[s]] + ([alpha[s - 1]] if s > 0 else []) + ([alpha[s - 2]] if s > 1 and states[s] not in (blank, states[s - 2]) else []) for s in range(len(states))]
            alpha = [lp[t, n, states[s]] + torch.logsumexp(torch.stack([w for w in ways[s] if w != -torch.inf] or [lp.new_tensor(-torch.inf)]), 0) for s in range(len(states))]
        loss = -torch.logsumexp(torch.stack(alpha[-2:]), 0)
        losses.append(lp[0, n].sum() * 0 if zero_infinity and torch.isinf(loss) else loss)
    losses = torch.stack(losses)
    own = (losses / sizes.clamp(min=1)).mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses
    wanted = F.ctc_loss(lp.detach(), targets, times, sizes, blank=blank, zero_infinity=zero_infinity, reduction=reduction)
    assert torch.allclose(own, wanted), (own, wanted)
    return own


whole = lambda *values: torch.tensor(values)
spoken = whole([1, 2, 2, 0], [3, 1, 0, 0], [2, 2, 2, 2])
case("ctc", lambda lp, t, i, s, reduction: ctc(lp, t, i, s, 0, False, reduction), [r(8, 3, 4).log_softmax(-1), spoken, whole(8, 5, 7), whole(3, 2, 4)])
case("ctc", lambda lp, t, i, s, reduction: ctc(lp, t, i, s, 3, False, reduction), [r(6, 2, 5), whole([0, 1, 2], [4, 4, 0]), whole(6, 4), whole(3, 0)], {"blank": 3}, label="blank 3, no target")
case("ctc", lambda lp, t, i, s, reduction: ctc(lp, t, i, s, 0, True, reduction), [r(3, 2, 4).log_softmax(-1), whole([1, 1, 2], [3, 0, 0]), whole(3, 2), whole(3, 1)], {"zeroInfinity": True}, label="zeroInfinity")

print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")))
