"""Makes narrow.json: whole numbers of 8 and 16 bits, alone and with other dtypes, with PyTorch.

    python test/golden/narrow.py > test/golden/narrow.json

"promote" holds torch.result_type of every pair. A case holds inputs and outputs; PyTorch's int64 results are kept modulo 2^32, as int32.
"""
import json

import torch

names = {
    torch.bool: "bool", torch.uint8: "uint8", torch.int8: "int8", torch.int16: "int16", torch.int32: "int32", torch.int64: "int32",
    torch.float16: "float16", torch.bfloat16: "bfloat16", torch.float32: "float32", torch.float64: "float64",
}
dtypes = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.float16, torch.bfloat16, torch.float32, torch.float64]
narrow = [torch.int8, torch.int16]
edges = {
    torch.bool: [0, 1, 1, 0, 1, 0, 1, 1], torch.uint8: [0, 1, 7, 128, 200, 255, 3, 16], torch.int8: [0, 1, -1, 127, -128, 7, -50, 100],
    torch.int16: [0, 1, -1, 32767, -32768, 300, -129, 255], torch.int32: [0, 1, -1, 2147483647, -70000, 300, 128, 9],
    torch.float16: [0, 1, -1, 0.5, -2.5, 100, 3, -7], torch.bfloat16: [0, 1, -1, 0.5, -2.5, 100, 3, -7],
    torch.float32: [0, 1, -1, 0.5, -2.5, 100, 3, -7], torch.float64: [0, 1, -1, 0.5, -2.5, 100, 3, -7],
}
cases = []


def figure(t):
    dtype = names[t.dtype]
    if t.dtype == torch.int64:
        t = (t + 2**31) % 2**32 - 2**31
    values = t.double().reshape(-1).tolist()
    data = [int(v) if v == v and abs(v) != float("inf") and v == int(v) else v if abs(v) < float("inf") else str(v) for v in values]
    data = [{"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(v, v) for v in data]
    return {"shape": list(t.shape), "dtype": dtype, "data": data}


def case(call, fn, inputs, args):
    out = fn(*inputs)
    outputs = list(out) if isinstance(out, (list, tuple)) else [out]
    cases.append({"call": call, "args": args, "inputs": [figure(x) for x in inputs], "outputs": [figure(o) for o in outputs]})


def row(dtype, shape=(8,)):
    return torch.tensor(edges[dtype]).to(dtype).reshape(shape)


other = {"$": 1}
pairs = [(a, b) for a in dtypes for b in dtypes if a in narrow or b in narrow]
for a, b in pairs:
    x, y = row(a, (8, 1)), row(b, (1, 8))
    for name, fn in [("add", torch.add), ("mul", torch.mul), ("maximum", torch.maximum), ("minimum", torch.minimum), ("eq", torch.eq), ("lt", torch.lt), ("ge", torch.ge)]:
        case(f"x.{name}", fn, [x, y], [other])
    if torch.bool not in (a, b):
        case("x.sub", torch.sub, [x, y], [other])
    case("where", lambda p, q: torch.where(p.bool(), p, q), [x, y], [{"$": 0}, {"$": 0}, other]) if a == torch.bool else None
    case("cat", lambda p, q: torch.cat([p, q]), [row(a), row(b)], [[{"$": 0}, other]])
    case("stack", lambda p, q: torch.stack([p, q]), [row(a), row(b)], [[{"$": 0}, other]])

whole = [torch.uint8, torch.int8, torch.int16, torch.int32]
for a in whole:
    for b in whole:
        if a not in narrow and b not in narrow:
            continue
        x, y = row(a, (8, 1)), row(b)
        divisor = y[y != 0].reshape(1, -1)
        for name, fn in [("remainder", torch.remainder), ("fmod", torch.fmod), ("floorDivide", torch.floor_divide), ("div", torch.div)]:
            case(f"x.{name}", fn, [x, divisor], [other])
        for name, fn in [("bitwiseAnd", torch.bitwise_and), ("bitwiseOr", torch.bitwise_or), ("bitwiseXor", torch.bitwise_xor)]:
            case(f"x.{name}", fn, [x, y.reshape(1, 8)], [other])
        count = torch.arange(0, 20).to(b).reshape(1, -1)
        for name, fn in [("bitwiseLeftShift", torch.bitwise_left_shift), ("bitwiseRightShift", torch.bitwise_right_shift)]:
            case(f"x.{name}", fn, [x, count], [other])
        case("x.pow", torch.pow, [x, torch.arange(0, 6).to(b).reshape(1, -1)], [other])

for dtype in narrow:
    x, square = row(dtype), row(dtype, (2, 4))
    for name, fn in [
        ("neg", torch.neg), ("abs", torch.abs), ("sign", torch.sign), ("square", torch.square), ("bitwiseNot", torch.bitwise_not), ("relu", torch.relu),
        ("logicalNot", torch.logical_not), ("floor", torch.floor), ("exp", torch.exp), ("sqrt", torch.sqrt), ("sigmoid", torch.sigmoid),
        ("sum", torch.sum), ("prod", torch.prod), ("amax", torch.amax), ("amin", torch.amin), ("argmax", torch.argmax), ("argmin", torch.argmin), ("any", torch.any),
        ("all", torch.all), ("flip", lambda t: t.flip(0)), ("median", torch.median), ("countNonzero", torch.count_nonzero),
    ]:
        case(f"x.{name}", fn, [x], [0] if name == "flip" else [])
    for name, fn in [("add", torch.add), ("sub", torch.sub), ("mul", torch.mul), ("remainder", torch.remainder), ("div", torch.div), ("eq", torch.eq), ("lt", torch.lt)]:
        for value in [3, -7, 2.5]:
            case(f"x.{name}", lambda t, f=fn, v=value: f(t, v), [x], [value])
    case("x.clamp", lambda t: t.clamp(-20, 90), [x], [-20, 90])
    for dim in [0, 1]:
        for name, fn in [("sum", torch.sum), ("prod", torch.prod), ("amax", torch.amax), ("amin", torch.amin), ("argmax", torch.argmax), ("argmin", torch.argmin)]:
            case(f"x.{name}", lambda t, f=fn, d=dim: f(t, d), [square], [dim])
        case("x.cumsum", lambda t, d=dim: t.cumsum(d), [square], [dim])
        case("x.cumprod", lambda t, d=dim: t.cumprod(d), [square], [dim])
        case("x.sort", lambda t, d=dim: tuple(torch.sort(t, dim=d, stable=True)), [square], [dim])
    case("x.cummax", lambda t: tuple(torch.cummax(t, 0)), [x], [0])
    case("x.cummin", lambda t: tuple(torch.cummin(t, 0)), [x], [0])
    case("x.topk", lambda t: tuple(torch.topk(t, 3)), [x], [3])
    case("x.matmul", torch.matmul, [square, square.T.contiguous()], [other])
    case("x.t", lambda t: t.t(), [square], [])
    case("x.tril", lambda t: t.tril(), [square], [])
    for to in dtypes:
        case("x.to", lambda t, d=to: t.to(d), [x], [names[to]])
        case("x.to", lambda t, d=dtype: t.to(d), [row(to)], [names[dtype]])
    # Fractions are cut off, and numbers beyond int8 keep their low bits.
    floats = torch.tensor([0.9, -0.9, 1.5, -1.5, 127.9, -128.9, 200.0, -200.5, 300.0, 40000.0, -70000.0], dtype=torch.float32)
    case("x.to", lambda t, d=dtype: t.to(torch.int32).to(d), [floats], [names[dtype]])

promotions = [[names[torch.result_type(torch.zeros(1, dtype=a), torch.zeros(1, dtype=b))] for b in dtypes] for a in dtypes]
print(json.dumps({"torch": torch.__version__, "dtypes": [names[d] for d in dtypes], "promote": promotions, "cases": cases}, separators=(",", ":")))
