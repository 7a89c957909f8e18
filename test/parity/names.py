"""Prints the public names of PyTorch, room by room, as JSON:   python test/parity/names.py > test/parity/names.json

A name is public when `dir` shows it without a leading underscore and it is PyTorch's own: not a module, not a type of Python's typing, not
something imported from the standard library.
"""
import inspect
import json
import types
import typing

import torch


def own(value):
    """Made by PyTorch: builtins of its C++ part have no module, or one of its own."""
    if isinstance(value, types.ModuleType):
        return False
    module = getattr(value, "__module__", None)
    return module is None or module.split(".")[0] in ("torch", "torch_C") or module == "builtins"


def names(room, callables=True):
    found = []
    for name in dir(room):
        if name.startswith("_"):
            continue
        value = getattr(room, name)
        if isinstance(value, typing.TypeVar) or value in (typing.Optional, typing.Any, typing.Callable, typing.Literal):
            continue
        if own(value) and (callable(value) or not callables):
            found.append(name)
    return found


def unless(found, *others):
    return [name for name in found if name not in others]


def module_level(room):
    """Functions and classes defined in the file of the module itself."""
    return [name for name in names(room) if getattr(getattr(room, name), "__module__", "") == room.__name__]


tensor = [name for name in dir(torch.Tensor) if not name.startswith("_")]
rooms = {
    "Tensor": tensor,
    "torch": sorted(set(n for n in torch.__all__ if not n.startswith("_") and callable(getattr(torch, n, None))) | set(names(torch))),
    "nn": [n for n in names(torch.nn) if inspect.isclass(getattr(torch.nn, n))],
    "nn.functional": unless(names(torch.nn.functional), "Tensor", "DType", "ScalingType", "SwizzleType", "boolean_dispatch", "assert_int_or_pair",
                            "handle_torch_function", "has_torch_function", "has_torch_function_unary", "has_torch_function_variadic"),
    "nn.init": unless(names(torch.nn.init), "Tensor"),
    "nn.utils": names(torch.nn.utils),
    "nn.utils.rnn": unless(names(torch.nn.utils.rnn), "Tensor"),
    "optim": names(torch.optim),
    "optim.lr_scheduler": module_level(torch.optim.lr_scheduler),
    "optim.swa_utils": module_level(torch.optim.swa_utils),
    "linalg": names(torch.linalg),
    "fft": unless(names(torch.fft), "Tensor"),
    "func": names(torch.func),
    "special": unless(names(torch.special), "Tensor"),
    "autograd": [n for n in ("backward", "Function", "grad", "gradcheck", "gradgradcheck", "no_grad", "enable_grad", "set_grad_enabled",
                             "inference_mode", "detect_anomaly", "set_detect_anomaly", "Variable")],
    "autograd.functional": names(torch.autograd.functional),
    "utils.checkpoint": ["checkpoint", "checkpoint_sequential"],
}
print(json.dumps({"torch": torch.__version__.split("+")[0], "rooms": {room: sorted(set(found)) for room, found in rooms.items()}}, indent=1))
