"""Makes layers.json: every layer and activation with its options, in training and evaluation, forward and backward, with PyTorch in float64.

    python test/golden/layers.py > test/golden/layers.json

A case holds how our layer is built, its state dict, the inputs, how they are passed ("$": place), the outputs in order, the gradients of
sum over all outputs of output * w, w_i = cos(i + 1), for inputs and parameters, and the state that the call changed.
"""
import json
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
cases = []
once, unseen, both_modes = (True,), (False,), (True, False)


def number(x):
    return x if x == x and abs(x) != float("inf") else {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[str(x)]


def numbers(t):
    return [number(float(f"{x:.13g}")) for x in t.detach().reshape(-1).tolist()]


def data(t):
    dtype = "float64" if t.dtype.is_floating_point else "bool" if t.dtype == torch.bool else "int32"
    return {"shape": list(t.shape), "dtype": dtype, "data": numbers(t)}


def r(*shape):
    return torch.round(torch.randn(*shape) * 100) / 100


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def plain(value):
    return list(value) if isinstance(value, tuple) else value


def spec(layer, *args, **options):
    ours = {camel(k): plain(v) for k, v in options.items()}
    return {"layer": layer, "args": [plain(a) for a in args] + ([ours] if ours else [])}


def both(layer, *args, **options):
    """The same layer in our words and in PyTorch's."""
    return spec(layer, *args, **options), getattr(nn, layer)(*args, **options)


def tensors_in(out):
    if isinstance(out, torch.Tensor):
        return [out]
    return [t for part in out or () for t in tensors_in(part)]


def case(made, *inputs, label="", modes=both_modes, call=None, run=None, depth=32, pick=lambda out: out):
    """`call` is the tree of our arguments, `run(layer, *inputs)` PyTorch's call; both default to the inputs in order."""
    described, layer = made
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.round(p * 1000) / 1000)
        for _, b in layer.named_buffers():
            if b.dtype.is_floating_point:
                b.copy_(torch.round((b + torch.rand_like(b)) * 100) / 100)
    begin = {k: v.clone() for k, v in layer.state_dict().items()}
    for training in modes:
        layer.load_state_dict(begin)
        layer.zero_grad()
        layer.train(training)
        held = [x.clone().requires_grad_() if x.dtype.is_floating_point else x for x in inputs]
        outputs = tensors_in(pick(run(layer, *held) if run else layer(*held)))
        total = sum((o * torch.cos(torch.arange(1, o.numel() + 1, dtype=torch.float64)).reshape(o.shape)).sum() for o in outputs)
        if total.requires_grad:
            total.backward()
        text = json.dumps(described["args"])
        cases.append({
            "name": " ".join(filter(None, [described["layer"], text if "layer" not in text and text != "[]" else "", label, "training" if training else "evaluation"])),
            "spec": described, "training": training, "depth": depth, "state": {k: data(v) for k, v in begin.items()},
            "inputs": [data(x) for x in inputs], "call": call or [{"$": k} for k in range(len(inputs))],
            "outputs": [data(o) for o in outputs],
            "inputGradients": [None if not x.dtype.is_floating_point or x.grad is None else numbers(x.grad) for x in held],
            "gradients": {k: numbers(p.grad) for k, p in layer.named_parameters() if p.grad is not None},
            "after": {k: numbers(v) for k, v in layer.state_dict().items() if k.split(".")[-1].startswith(("running", "num_")) or not torch.equal(v, begin[k])},
        })


# Linear layers and shapes
case(both("Linear", 4, 3), r(5, 4))
case(both("Linear", 4, 3, bias=False), r(2, 3, 4), modes=once)
case(both("Linear", 4, 3), r(4), label="one vector", modes=once)
for shape in [(5,), (2, 3), ()]:
    case(both("Bilinear", 4, 3, 2), r(*shape, 4), r(*shape, 3), label=f"{len(shape)} dims before", modes=once)
case(both("Bilinear", 2, 3, 4, bias=False), r(5, 2), r(5, 3))
case(both("Flatten"), r(2, 3, 2))
case(both("Flatten", 0, 1), r(2, 3, 2), modes=once)
case(both("Unflatten", 1, (2, 3)), r(2, 6))
case(both("Unflatten", -1, (2, -1)), r(2, 6), modes=once)
case(both("Identity"), r(2, 3))

# Convolutions
sizes = {1: (7,), 2: (5, 6)}
for rank in [1, 2]:
    size, pick = sizes[rank], lambda a, b: a if rank == 1 else (a, b)
    conv, transposed = f"Conv{rank}d", f"ConvTranspose{rank}d"
    case(both(conv, 2, 3, 3), r(2, 2, *size))
    case(both(conv, 2, 3, 3), r(2, *size), label="no batch", modes=once)
    case(both(conv, 2, 3, pick(3, 2), bias=False), r(2, 2, *size), modes=once)
    for stride, padding, dilation, groups in [(2, 0, 1, 1), (1, 1, 1, 1), (1, 2, 2, 1), (2, 1, 1, 2), (3, 2, 2, 2), (1, "same", 1, 1), (1, "same", 2, 2), (1, "valid", 1, 2), (pick(2, 1), pick(1, 0), pick(1, 2), 1)]:
        case(both(conv, 2, 4, 3, stride=stride, padding=padding, dilation=dilation, groups=groups), r(2, 2, *size), modes=once)
    case(both(conv, 4, 8, 3, groups=4, padding=1), r(1, 4, *size), label="depthwise", modes=once)
    case(both(conv, 2, 2, pick(2, 4), padding="same"), r(1, 2, *size), label="even kernel", modes=once)
    for mode in ["reflect", "replicate", "circular"]:
        for padding, stride in [(1, 1), (2, 2), ("same", 1)]:
            case(both(conv, 2, 2, 3, padding=padding, stride=stride, padding_mode=mode), r(1, 2, *size), modes=once)
    case(both(transposed, 2, 3, 3), r(2, 2, *size))
    case(both(transposed, 2, 3, 3), r(2, *size), label="no batch", modes=once)
    for stride, padding, extra, dilation, groups, bias in [(2, 0, 0, 1, 1, True), (2, 1, 1, 1, 2, True), (3, 1, 2, 1, 1, False), (1, 0, 0, 2, 2, True), (2, 2, 1, 2, 1, True), (1, 1, 1, 3, 1, True), (pick(3, 2), pick(1, 0), pick(1, 1), 1, 2, True)]:
        case(both(transposed, 2, 4, 3, stride=stride, padding=padding, output_padding=extra, dilation=dilation, groups=groups, bias=bias), r(1, 2, *size), modes=once)

# Pools
for rank in [1, 2]:
    size = {1: (9,), 2: (7, 8)}[rank]
    for options in [{}, {"stride": 1}, {"padding": 1}, {"dilation": 2}, {"ceil_mode": True}, {"stride": 2, "padding": 1, "ceil_mode": True}, {"stride": 2, "padding": 1, "dilation": 2, "ceil_mode": True}, {"stride": 3, "dilation": 2}]:
        case(both(f"MaxPool{rank}d", 3, **options), r(2, 2, *size), modes=once)
    case(both(f"MaxPool{rank}d", 2), r(2, *size), label="no batch")
    for options in [{}, {"stride": 1}, {"padding": 1}, {"ceil_mode": True}, {"stride": 2, "padding": 1, "ceil_mode": True}, {"padding": 1, "count_include_pad": False}, {"stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}]:
        case(both(f"AvgPool{rank}d", 3, **options), r(2, 2, *size), modes=once)
    case(both(f"AvgPool{rank}d", 2), r(2, *size), label="no batch")
    for out in {1: [1, 2, 4, 9, 11], 2: [1, (2, 4), (3, 5), (7, 8), (None, 3), (9, None)]}[rank]:
        case(both(f"AdaptiveAvgPool{rank}d", out), r(2, 2, *size), modes=once)
        case(both(f"AdaptiveMaxPool{rank}d", out), r(2, 2, *size), modes=once)
    for p, options in [(1, {}), (2, {}), (3, {"stride": 2}), (2, {"ceil_mode": True})]:
        case(both(f"LPPool{rank}d", p, 2, **options), r(2, 2, *size).abs() + 0.1, modes=once)
case(both("MaxPool2d", (2, 3), stride=(2, 1), padding=(1, 0), dilation=(1, 2)), r(1, 2, 6, 7), modes=once)
case(both("AvgPool2d", (3, 2), stride=(1, 2), padding=(1, 0)), r(1, 2, 6, 7), modes=once)
case(both("AvgPool2d", 2, divisor_override=3), r(1, 2, 4, 4), modes=once)
case(both("MaxPool2d", 2), torch.tensor([[[[1.0, 1, 2, 2], [1, 1, 2, 0], [0, 0, -1, -1], [0, 0, -1, -1]]]]), label="ties", modes=once)
case(both("AdaptiveMaxPool2d", (2, 3)), torch.round(r(1, 1, 5, 4)), label="ties", modes=once)

# Padding
for rank, amounts in [(1, [2, (1, 2)]), (2, [1, (1, 2, 0, 1)])]:
    for amount in amounts:
        for kind in ["ZeroPad", "ReflectionPad", "ReplicationPad", "CircularPad"]:
            case(both(f"{kind}{rank}d", amount), r(1, 2, *([4] if rank == 1 else [3, 4])), modes=once)
        case(both(f"ConstantPad{rank}d", amount, 1.5), r(1, 2, *([4] if rank == 1 else [3, 4])), modes=once)
case(both("ZeroPad2d", (-1, 1, 0, -1)), r(2, 3, 4), label="cut", modes=once)

# Changes of size
for options in [{"size": 5}, {"scale_factor": 2}, {"size": 3}]:
    case(both("Upsample", **options), r(1, 2, 4), modes=once)
    for corners in [False, True]:
        case(both("Upsample", mode="linear", align_corners=corners, **options), r(1, 2, 4), modes=once)
for options in [{"size": (5, 7)}, {"scale_factor": 2}, {"size": (2, 3)}, {"scale_factor": (2, 3)}, {"size": 1}]:
    case(both("Upsample", **options), r(1, 2, 3, 4), modes=once)
    for corners in [False, True]:
        case(both("Upsample", mode="bilinear", align_corners=corners, **options), r(1, 2, 3, 4), modes=once)
case(both("PixelShuffle", 2), r(2, 8, 3, 2))
case(both("PixelShuffle", 3), r(9, 2, 2), label="no batch", modes=once)
case(both("PixelUnshuffle", 2), r(2, 2, 4, 6))
case(both("ChannelShuffle", 3), r(2, 6, 2, 2))
for options in [{}, {"stride": 2}, {"padding": 1, "dilation": 2}, {"padding": (1, 0), "stride": (2, 1)}]:
    case(both("Unfold", (2, 3), **options), r(2, 2, 5, 6), modes=once)
    windows = nn.Unfold((2, 3), **options)(torch.zeros(1, 1, 5, 6)).shape[2]
    case(both("Fold", (5, 6), (2, 3), **options), r(2, 12, windows), modes=once)

# Dropout
for kind, shape in [("Dropout", (2, 3)), ("Dropout1d", (2, 3, 2)), ("Dropout2d", (2, 3, 2, 2)), ("AlphaDropout", (2, 3)), ("FeatureAlphaDropout", (2, 3, 2))]:
    case(both(kind, 0.5), r(*shape), modes=unseen)
    case(both(kind, 0.0), r(*shape))
case(both("Dropout", 1.0), r(2, 3))

# Normalisation
for shape in [(5, 3), (2, 3, 4)]:
    for options in [{}, {"momentum": 0.4, "eps": 0.01}, {"affine": False}, {"momentum": None}, {"track_running_stats": False}, {"affine": False, "track_running_stats": False}]:
        case(both("BatchNorm1d", 3, **options), r(*shape), label=f"{len(shape)} dims")
for options in [{}, {"momentum": None}, {"affine": False}, {"track_running_stats": False}]:
    case(both("BatchNorm2d", 2, **options), r(3, 2, 2, 3))
for shape, options in [((4,), {}), ((3, 4), {"eps": 0.1}), ((4,), {"elementwise_affine": False}), ((4,), {"bias": False})]:
    case(both("LayerNorm", list(shape), **options), r(2, 3, 4))
case(both("LayerNorm", 4), r(2, 4), label="one number", modes=once)
for shape, options in [((4,), {}), ((3, 4), {"eps": 0.1}), ((4,), {"elementwise_affine": False}), ((4,), {"eps": 1e-5})]:
    described, layer = both("RMSNorm", list(shape), **options)
    # Without eps PyTorch uses the ulp of the input's dtype, so only float64 inputs are comparable; scaled up, they do not depend on it.
    case((described, layer), r(2, 3, 4))
for groups in [1, 2, 4]:
    case(both("GroupNorm", groups, 4), r(2, 4, 3))
case(both("GroupNorm", 2, 4, eps=0.1, affine=False), r(2, 4, 2, 2))
case(both("GroupNorm", 2, 12), r(3, 12), label="no spatial dims", modes=once)
for rank, shape in [(1, (2, 3, 4)), (2, (2, 3, 2, 3))]:
    for options in [{}, {"affine": True}, {"track_running_stats": True}, {"affine": True, "track_running_stats": True, "momentum": 0.3, "eps": 0.01}, {"track_running_stats": True, "momentum": None}]:
        case(both(f"InstanceNorm{rank}d", 3, **options), r(*shape))
    case(both(f"InstanceNorm{rank}d", 3, affine=True), r(*shape[1:]), label="no batch", modes=once)
for size in [2, 3]:
    case(both("LocalResponseNorm", size, alpha=0.3, beta=0.6, k=0.5), r(2, 4, 3), modes=once)
case(both("LocalResponseNorm", 3), r(2, 4, 2, 2), modes=once)

# Embeddings
index = torch.tensor([[0, 4, 2], [2, 2, 1]])
for options in [{}, {"padding_idx": 2}, {"padding_idx": -1}, {"max_norm": 1.0}, {"max_norm": 0.5, "norm_type": 1.0}, {"scale_grad_by_freq": True}, {"padding_idx": 0, "scale_grad_by_freq": True, "max_norm": 1.2}]:
    # An index among float inputs would need a gradient; int inputs have none.
    case(both("Embedding", 5, 3, **options), index)
case(both("Embedding", 5, 3), torch.tensor(3), label="one symbol", modes=once)
for mode in ["sum", "mean", "max"]:
    for options in [{}, {"padding_idx": 2}]:
        case(both("EmbeddingBag", 5, 3, mode=mode, **options), index, modes=once)
        case(both("EmbeddingBag", 5, 3, mode=mode, **options), torch.tensor([0, 4, 2, 2, 1, 3]), torch.tensor([0, 2, 2, 5]), label="offsets", modes=once,
             call=[{"$": 0}, {"offsets": {"$": 1}}], run=lambda layer, i, o: layer(i, o))
described, layer = both("EmbeddingBag", 5, 3, mode="sum")
case((described, layer), index, r(2, 3), label="weights", call=[{"$": 0}, {"perSampleWeights": {"$": 1}}], run=lambda layer, i, w: layer(i, per_sample_weights=w))
case((described, nn.EmbeddingBag(5, 3, mode="sum", include_last_offset=True)), torch.tensor([0, 4, 2, 2, 1, 3]), torch.tensor([0, 2, 5, 6]), r(6), label="last offset", modes=once,
     call=[{"$": 0}, {"offsets": {"$": 1}, "perSampleWeights": {"$": 2}, "includeLastOffset": True}], run=lambda layer, i, o, w: layer(i, o, w))

# Recurrent layers
steps, batch = 4, 3


def packed(layer, x, lengths, *state):
    """Lengths: a packed sequence. Later outputs are 0."""
    first = layer.batch_first
    out, final = layer(pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=False), *state)
    return pad_packed_sequence(out, batch_first=first, total_length=steps)[0], final


for kind, extra in [("RNN", {}), ("RNN", {"nonlinearity": "relu"}), ("LSTM", {}), ("LSTM", {"proj_size": 2}), ("GRU", {})]:
    grid = [{}, {"bias": False}, {"batch_first": True}, {"bidirectional": True}, {"num_layers": 2}, {"num_layers": 2, "bidirectional": True, "batch_first": True}]
    for place, options in enumerate(grid):
        made = both(kind, 2, 3, **options, **extra)
        layer = made[1]
        first, rows = options.get("batch_first", False), options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
        x = r(batch, steps, 2) if first else r(steps, batch, 2)
        hidden, cell = r(rows, batch, extra.get("proj_size", 3)), r(rows, batch, 3)
        start = [hidden, cell] if kind == "LSTM" else [hidden]
        ours = [{"$": 1}, {"$": 2}] if kind == "LSTM" else {"$": 1}
        state = lambda s: (tuple(s),) if kind == "LSTM" else tuple(s)
        depth = 24 * steps * options.get("num_layers", 1)
        if place in (0, len(grid) - 1):
            case(made, x, depth=depth, modes=both_modes if place == 0 else once)
        if place in (0, 2, len(grid) - 1):
            case(made, x, *start, label="initial state", depth=depth, modes=once, call=[{"$": 0}, ours], run=lambda layer, x, *s: layer(x, *state(s)))
        lengths = torch.tensor([2, 4, 1])
        case(made, x, *start, lengths, label="lengths and initial state", depth=depth, modes=once,
             call=[{"$": 0}, ours, {"lengths": {"$": len(start) + 1}}], run=lambda layer, x, *s: packed(layer, x, s[-1], *state(s[:-1])))
        if place in (0, 3):
            case(made, x, lengths, label="lengths", depth=depth, modes=once, call=[{"$": 0}, None, {"lengths": {"$": 1}}], run=packed)
    case(both(kind, 2, 3, num_layers=2, dropout=0.5, **extra), r(steps, batch, 2), modes=unseen, depth=24 * steps)
    case(both(kind, 2, 3, bidirectional=True, **extra), r(steps, 2), label="no batch", modes=once, depth=24 * steps)
    case(both(kind, 2, 3, **extra), r(1, 2, 2), label="one step", modes=once)
for kind, options in [("RNNCell", {}), ("RNNCell", {"nonlinearity": "relu"}), ("RNNCell", {"bias": False}), ("GRUCell", {}), ("GRUCell", {"bias": False}), ("LSTMCell", {}), ("LSTMCell", {"bias": False})]:
    made = both(kind, 2, 3, **options)
    case(made, r(batch, 2), label="from 0", modes=once)
    start = [r(batch, 3), r(batch, 3)] if kind == "LSTMCell" else [r(batch, 3)]
    ours = [{"$": 1}, {"$": 2}] if kind == "LSTMCell" else {"$": 1}
    case(made, r(batch, 2), *start, call=[{"$": 0}, ours], run=lambda layer, x, *s: layer(x, tuple(s) if kind == "LSTMCell" else s[0]))
    case(made, r(2), label="no batch", modes=once)

# Attention
target, source, width = 3, 4, 4
no_future = torch.ones(target, source, dtype=torch.bool).triu(1)
float_mask = torch.zeros(target, source).masked_fill(no_future, float("-inf")) + 0.0
float_mask[1, 0] = 0.7
padding = torch.tensor([[False, False, True, False], [False, True, True, False]])
for options in [{}, {"bias": False}, {"batch_first": True}, {"add_bias_kv": True}, {"add_zero_attn": True}, {"add_bias_kv": True, "add_zero_attn": True}, {"kdim": 3, "vdim": 5}, {"kdim": 3, "vdim": 5, "add_bias_kv": True, "bias": False}]:
    made = both("MultiheadAttention", width, 2, **options)
    k, v = options.get("kdim", width), options.get("vdim", width)
    shape = (lambda t, e: (2, t, e)) if options.get("batch_first") else (lambda t, e: (t, 2, e))
    qkv = [r(*shape(target, width)), r(*shape(source, k)), r(*shape(source, v))]
    q = [{"$": 0}, {"$": 1}, {"$": 2}]
    case(made, *qkv, modes=both_modes if options in ({}, {"batch_first": True}) else once)
    whole = options in ({}, {"batch_first": True}, {"add_bias_kv": True, "add_zero_attn": True})
    if whole:
        case(made, *qkv, padding, label="padding", modes=once, call=[*q, {"keyPaddingMask": {"$": 3}}], run=lambda l, q, k, v, m: l(q, k, v, key_padding_mask=m))
        case(made, *qkv, no_future, label="mask", modes=once, call=[*q, {"attnMask": {"$": 3}}], run=lambda l, q, k, v, m: l(q, k, v, attn_mask=m))
        case(made, *qkv, no_future, label="causal", modes=once, call=[*q, {"isCausal": True}], run=lambda l, q, k, v, m: l(q, k, v, attn_mask=m))
        case(made, *qkv, float_mask, label="float mask, each head's weights", modes=once, call=[*q, {"attnMask": {"$": 3}, "averageAttnWeights": False}],
             run=lambda l, q, k, v, m: l(q, k, v, attn_mask=m.detach(), average_attn_weights=False))
    case(made, *qkv, r(4, target, source), padding, label="a mask for each head, padding, no weights", modes=once,
         call=[*q, {"attnMask": {"$": 3}, "keyPaddingMask": {"$": 4}, "needWeights": False}],
         run=lambda l, q, k, v, m, p: l(q, k, v, attn_mask=m.detach(), key_padding_mask=torch.zeros(p.shape).masked_fill(p, float("-inf")), need_weights=False), pick=lambda out: out[0])
case(both("MultiheadAttention", width, 2), r(3, 2, width), label="self", call=[{"$": 0}] * 3, run=lambda l, x: l(x, x, x))
case(both("MultiheadAttention", width, 2), r(3, width), r(source, width), r(source, width), label="no batch", modes=once)
case(both("MultiheadAttention", width, 4, dropout=0.5), r(3, 2, width), label="self", modes=unseen, call=[{"$": 0}] * 3, run=lambda l, x: l(x, x, x))

# Transformer layers
encoder_options = [{}, {"activation": "gelu"}, {"norm_first": True}, {"batch_first": True}, {"bias": False}, {"norm_first": True, "activation": "gelu", "batch_first": True, "layer_norm_eps": 0.01}]
for options in encoder_options:
    common = {"dim_feedforward": 6, "dropout": 0.0, **options}
    first = options.get("batch_first", False)
    x, memory = r(2, target, width) if first else r(target, 2, width), r(2, source, width) if first else r(source, 2, width)
    made = both("TransformerEncoderLayer", width, 2, **common)
    mask, pad = torch.ones(target, target, dtype=torch.bool).triu(1), torch.tensor([[False, False, True], [False, False, False]])
    whole = options == {} or options == encoder_options[-1]
    case(made, x, depth=96, modes=both_modes if whole else once)
    if whole:
        case(made, x, mask, label="mask", depth=96, modes=once, call=[{"$": 0}, {"srcMask": {"$": 1}}], run=lambda l, x, m: l(x, src_mask=m))
        case(made, x, mask, label="causal", depth=96, modes=once, call=[{"$": 0}, {"isCausal": True}], run=lambda l, x, m: l(x, src_mask=m))
        case(made, x, pad, label="padding", depth=96, modes=once, call=[{"$": 0}, {"srcKeyPaddingMask": {"$": 1}}], run=lambda l, x, m: l(x, src_key_padding_mask=m))
    made = both("TransformerDecoderLayer", width, 2, **common)
    if whole:
        case(made, x, memory, depth=96)
    case(made, x, memory, mask, padding, label="masks", depth=96, modes=once, call=[{"$": 0}, {"$": 1}, {"tgtMask": {"$": 2}, "memoryKeyPaddingMask": {"$": 3}}],
         run=lambda l, x, m, a, b: l(x, m, tgt_mask=a, memory_key_padding_mask=b))
for norm in [False, True]:
    layer = nn.TransformerEncoder(nn.TransformerEncoderLayer(width, 2, 6, 0.0), 2, norm=nn.LayerNorm(width) if norm else None, enable_nested_tensor=False)
    described = spec("TransformerEncoder", {"make": spec("TransformerEncoderLayer", width, 2, dim_feedforward=6, dropout=0)}, 2, *([{"norm": spec("LayerNorm", width)}] if norm else []))
    case((described, layer), r(target, 2, width), label="norm" if norm else "", depth=192)
    layer = nn.TransformerDecoder(nn.TransformerDecoderLayer(width, 2, 6, 0.0), 2, norm=nn.LayerNorm(width) if norm else None)
    described = spec("TransformerDecoder", {"make": spec("TransformerDecoderLayer", width, 2, dim_feedforward=6, dropout=0)}, 2, *([{"norm": spec("LayerNorm", width)}] if norm else []))
    case((described, layer), r(target, 2, width), r(source, 2, width), label="norm" if norm else "", depth=192)

# Distances
for dim in [0, 1, -1]:
    case(both("CosineSimilarity", dim), r(3, 4), r(3, 4))
# Where eps limits a length, PyTorch's gradient is that of the length without the limit; ours is that of the value.
for options in [{}, {"p": 1.0}, {"p": 3.0, "eps": 0.1}, {"keepdim": True}, {"p": float("inf")}]:
    described, layer = both("PairwiseDistance", **options)
    if options.get("p") == float("inf"):
        described = spec("PairwiseDistance", p="Infinity")
    case((described, layer), r(3, 4), r(3, 4), modes=once)

# Activations


class Hardsigmoid(nn.Module):
    """PyTorch's own gradient rounds 1/6 to float32."""
    def forward(self, x):
        return nn.functional.relu6(x + 3) / 6


class Step(nn.Module):
    def forward(self, x):
        return torch.heaviside(x.detach(), torch.tensor(1.0))


kinks = torch.tensor([-25.0, -7.0, -6.0, -4.0, -3.0, -2.5, -1.0, -0.5, -0.01, 0.0, 0.01, 0.5, 1.0, 2.5, 3.0, 4.0, 6.0, 7.0, 19.0, 21.0, 25.0])
far = torch.tensor([-1e4, -100.0, 100.0, 1e4])
# CELU with an inverse that float32 holds: PyTorch's gradient rounds 1 / alpha to it.
activations = [
    both("Sigmoid"), both("Tanh"), both("ReLU"), both("ReLU6"), both("LeakyReLU"), both("LeakyReLU", 0.2), both("ELU"), both("ELU", 0.7), both("SELU"), both("GELU"),
    both("GELU", approximate="tanh"), both("SiLU"), both("Mish"), both("Softplus"), both("Softplus", 2, 5), both("Softsign"), (spec("Hardsigmoid"), Hardsigmoid()),
    both("Hardtanh"), both("Hardtanh", -2.5, 0.5), both("Hardswish"), both("LogSigmoid"), (spec("PReLU", 1, 0.25), nn.PReLU()), both("CELU"), both("CELU", 0.5),
    both("Hardshrink"), both("Hardshrink", 1.0), both("Softshrink"), both("Softshrink", 1.0), both("Tanhshrink"), both("Threshold", 0.5, -2.0),
]
for made in activations:
    case(made, kinks)
    case(made, far, label="far", modes=once)
case(both("RReLU"), kinks, modes=unseen)
case(both("RReLU", 0.1, 0.2), kinks, modes=unseen)
case(both("PReLU", 3, 0.1), r(2, 3, 2), modes=once)
case((spec("Step"), Step()), kinks)
for dim in [-1, 0, 1]:
    for kind in ["Softmax", "LogSoftmax", "Softmin"]:
        case(both(kind, dim), r(3, 4), modes=once)
    case(both("GLU", dim), r(4, 6), modes=once)
for kind in ["Softmax", "LogSoftmax", "Softmin"]:
    case(both(kind, 0), far, label="far", modes=once)
case(both("Softmax2d"), r(2, 3, 2, 2))
case(both("Softmax2d"), r(3, 2, 2), label="no batch", modes=once)


# Containers
class Residual(nn.Module):
    def __init__(self, body, shortcut=None):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return (x if self.shortcut is None else self.shortcut(x)) + self.body(x)


body = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 3))
case((spec("Residual", spec("Sequential", spec("Linear", 3, 5), spec("ReLU"), spec("Linear", 5, 3))), Residual(body)), r(4, 3))
case((spec("Residual", spec("Conv2d", 2, 3, 3, padding=1), {"shortcut": spec("Conv2d", 2, 3, 1)}), Residual(nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(2, 3, 1))), r(1, 2, 3, 3), label="shortcut")
# No bias before the normalisation: its gradient is 0, and only rounding would be compared.
network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, bias=False), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Sequential(nn.Linear(8, 4), nn.GELU(), nn.LayerNorm(4)), nn.Linear(4, 3))
case((spec("Sequential", spec("Conv2d", 1, 2, 3, padding=1, bias=False), spec("BatchNorm2d", 2), spec("ReLU"), spec("MaxPool2d", 2), spec("Flatten"),
           spec("Sequential", spec("Linear", 8, 4), spec("GELU"), spec("LayerNorm", 4)), spec("Linear", 4, 3)), network), r(3, 1, 4, 4), label="small network")

# Three spatial dims: at the end, so that the random figures above stay as they are.
volume = (3, 4, 3)
case(both("Conv3d", 2, 3, 2), r(1, 2, *volume))
case(both("Conv3d", 2, 2, (2, 3, 1), bias=False), r(2, *volume), label="no batch", modes=once)
for stride, padding, dilation, groups in [(2, 1, 1, 2), ((1, 2, 1), (1, 0, 2), (1, 1, 2), 1), (1, "same", 1, 1)]:
    case(both("Conv3d", 2, 2, 2, stride=stride, padding=padding, dilation=dilation, groups=groups), r(1, 2, *volume), modes=once)
for mode in ["reflect", "replicate", "circular"]:
    case(both("Conv3d", 1, 2, 2, padding=1, padding_mode=mode), r(1, 1, *volume), modes=once)
case(both("ConvTranspose3d", 2, 3, 2), r(1, 2, 2, 3, 2))
case(both("ConvTranspose3d", 2, 2, 2), r(2, 2, 1, 2), label="no batch", modes=once)
for stride, padding, extra, dilation, groups in [(2, 1, 1, 1, 2), ((2, 1, 3), (1, 0, 1), (1, 0, 2), (1, 2, 1), 1)]:
    case(both("ConvTranspose3d", 2, 2, 2, stride=stride, padding=padding, output_padding=extra, dilation=dilation, groups=groups), r(1, 2, 2, 3, 2), modes=once)

for kind, grid in [
    ("MaxPool3d", [{}, {"stride": 1, "padding": 1}, {"dilation": (1, 2, 1), "stride": 1}, {"ceil_mode": True}]),
    ("AvgPool3d", [{}, {"stride": 1, "padding": 1}, {"padding": 1, "count_include_pad": False}, {"ceil_mode": True}, {"divisor_override": 3}]),
]:
    for options in grid:
        case(both(kind, 2, **options), r(1, 2, *volume), modes=once)
    case(both(kind, (1, 2, 3), stride=(1, 2, 1)), r(2, *volume), label="no batch")
for size in [1, 2, (2, 3, 1), (None, 2, 5)]:
    case(both("AdaptiveAvgPool3d", size), r(1, 2, *volume), modes=once)
    case(both("AdaptiveMaxPool3d", size), r(1, 2, *volume), modes=once)
for p, options in [(1, {}), (2, {"stride": 1}), (3, {"ceil_mode": True})]:
    case(both("LPPool3d", p, 2, **options), r(1, 2, *volume).abs() + 0.1, modes=once)

for amount in [1, (1, 2, 0, 1, 2, 1)]:
    for kind in ["ZeroPad", "ReflectionPad", "ReplicationPad", "CircularPad"]:
        case(both(f"{kind}3d", amount), r(1, 2, *volume), modes=once)
    case(both("ConstantPad3d", amount, 1.5), r(1, 2, *volume), modes=once)

case(both("Dropout3d", 0.5), r(2, 3, 1, 2, 2), modes=unseen)
case(both("Dropout3d", 0.0), r(2, 3, 1, 2, 2))
for options in [{}, {"momentum": None, "eps": 0.01}, {"affine": False}, {"track_running_stats": False}]:
    case(both("BatchNorm3d", 2, **options), r(2, 2, 2, 1, 3))
for options in [{}, {"affine": True}, {"affine": True, "track_running_stats": True, "momentum": 0.3, "eps": 0.01}]:
    case(both("InstanceNorm3d", 3, **options), r(2, 3, 2, 1, 3))
case(both("InstanceNorm3d", 3, affine=True), r(3, 2, 2, 2), label="no batch", modes=once)

# Unpools its own values at the positions that a pool selected. The windows do not overlap, so each position has one value.
for rank, shape in [(1, (7,)), (2, (4, 5)), (3, (2, 4, 5))]:
    pool = getattr(nn.functional, f"max_pool{rank}d")
    for size, options in [(2, {}), (2, {"stride": 2, "padding": 1}), (3, {"padding": 1})]:
        places = pool(r(1, 2, *shape), size, return_indices=True, **options)[1]
        made = getattr(nn, f"MaxUnpool{rank}d")(size, **options)
        described = spec(f"MaxUnpool{rank}d", size, **options, output_size=shape)
        case((described, made), r(*places.shape), places, modes=once, run=lambda layer, x, i: layer(x, i, output_size=shape))
    even = (2,) * (rank - 1) + (4,)
    places = pool(r(2, *even), 2, return_indices=True)[1]
    case(both(f"MaxUnpool{rank}d", 2), r(*places.shape), places, label="no batch")



class SwiGLU(nn.Module):
    def __init__(self, dim=-1):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        a, b = x.chunk(2, self.dim)
        return nn.functional.silu(a) * b


for dim in [-1, 0]:
    case((spec("SwiGLU", dim), SwiGLU(dim)), r(4, 6), modes=once)
for rank, size, kernel, options in [(2, (5, 6), 2, {"output_size": (3, 4)}), (2, (6, 5), (3, 2), {"output_ratio": 0.5}), (3, (4, 5, 4), 2, {"output_size": 2})]:
    draw = torch.round(torch.rand(2, 3, rank) * 100) / 100
    pooled = getattr(nn.functional, f"fractional_max_pool{rank}d")
    ratio = {k: (v,) * rank if k == "output_ratio" else v for k, v in options.items()}
    case((spec(f"FractionalMaxPool{rank}d", kernel, **options), getattr(nn, f"FractionalMaxPool{rank}d")(kernel, **ratio)), r(2, 3, *size), draw, modes=once,
         run=lambda layer, x, s, pooled=pooled, kernel=kernel, ratio=ratio: pooled(x, kernel, _random_samples=s.detach(), **ratio))
small = {"d_model": 4, "nhead": 2, "num_encoder_layers": 1, "num_decoder_layers": 2, "dim_feedforward": 5, "dropout": 0.0}
case((spec("Transformer", **small), nn.Transformer(**small)), r(3, 2, 4), r(4, 2, 4), depth=256)
first = {**small, "batch_first": True, "norm_first": True, "activation": "gelu", "bias": False}
case((spec("Transformer", **first), nn.Transformer(**first)), r(2, 3, 4), r(2, 4, 4), modes=unseen, depth=256,
     call=[{"$": 0}, {"$": 1}, {"tgtIsCausal": True}],
     run=lambda layer, src, tgt: layer(src, tgt, tgt_mask=nn.Transformer.generate_square_subsequent_mask(4), tgt_is_causal=True))

print(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")))
