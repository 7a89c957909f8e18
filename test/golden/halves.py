"""Makes halves.json: the random calls of randomCalls.py and parity.py on float16 and bfloat16.

    python test/golden/halves.py > test/golden/halves.json

A case holds what PyTorch computes in float64 from inputs rounded to the dtype: outputs, and the gradient of sum(output * cos(i + 1)) for each
float input; and PyTorch's own error in the dtype, relative to the largest number of each. Calls that PyTorch lacks for the dtype are
left out.
"""
import json

import torch

import parity
import randomCalls

names = {torch.float16: "float16", torch.bfloat16: "bfloat16", torch.float32: "float32", torch.float64: "float64", torch.bool: "bool"}
# Calls where rounding decides between two correct results, or whose result is the neighbour of an input.
discrete = {"x.nextafter", "x.floorDivide", "x.fmod", "x.unique", "x.heaviside", "x.isclose"}


def numbers(t, digits=7):
    """Results have as many digits as the errors of 16 bits require; inputs are exact, which takes nine."""
    return [x if isinstance(x, int) else float(f"{x:.{digits}g}") for x in (t if t.is_floating_point() else t.int()).detach().reshape(-1).tolist()]


def data(t, dtype, digits=7):
    return {"shape": list(t.shape), "dtype": dtype, "data": numbers(t, digits)}


def evaluate(fn, inputs, dtype):
    held = [x.detach().clone().to(dtype).requires_grad_() if x.is_floating_point() else x for x in inputs]
    out = fn(*held)
    outputs = list(out) if isinstance(out, (list, tuple)) else [out]
    total = sum((o.to(torch.float64) * torch.cos(torch.arange(1, o.numel() + 1, dtype=torch.float64)).reshape(o.shape)).sum()
                for o in outputs if o.is_floating_point())
    if isinstance(total, torch.Tensor) and total.requires_grad:
        total.backward()
    return outputs, [x.grad if x.is_floating_point() else None for x in held]


def lost(exact, rounded):
    if exact is None or rounded is None or exact.numel() == 0 or not exact.is_floating_point():
        return 0
    error = float(((exact - rounded.double()).abs().max() / exact.abs().max().clamp(min=1e-3)))
    return float(f"{error:.3g}") if error == error else None


def usable(t):
    return t is None or not t.is_floating_point() or bool(torch.isfinite(t).all())


def all_cases(dtype, count):
    cases, made = [], 0
    makers = [maker for pair in zip(randomCalls.makers * 2, parity.makers * 3) for maker in pair]
    while len(cases) < count:
        call, args, inputs, fn = makers[made % len(makers)]()
        made += 1
        if call in discrete:
            continue
        inputs = [x.to(dtype).to(torch.float64) if x.is_floating_point() else x for x in inputs]
        try:
            exact, slopes = evaluate(fn, inputs, torch.float64)
            half, half_slopes = evaluate(fn, inputs, dtype)
        except (RuntimeError, NotImplementedError):
            continue
        if not all(map(usable, [*exact, *slopes, *half, *half_slopes])):
            continue
        # Indices of equal numbers, and whole results, depend on the rounding.
        if any(not a.is_floating_point() and not torch.equal(a, b) for a, b in zip(exact, half)):
            continue
        cases.append({
            "call": call, "args": args, "dtype": names[dtype], "inputs": [data(x, names[dtype] if x.is_floating_point() else names.get(x.dtype, "int32"), 9) for x in inputs],
            "outputs": [data(o, names.get(h.dtype, "int32")) for o, h in zip(exact, half)],
            "gradients": [None if g is None else numbers(g) for g in slopes],
            "lost": [lost(o, h) for o, h in zip(exact, half)], "gradientsLost": [lost(g, h) for g, h in zip(slopes, half_slopes)],
        })
    return cases


if __name__ == "__main__":
    cases = [*all_cases(torch.float16, 500), *all_cases(torch.bfloat16, 500)]
    print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")))
