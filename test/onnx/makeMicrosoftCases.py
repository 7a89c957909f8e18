"""Writes cases of com.microsoft's operators, with the outputs of onnxruntime, in the layout of generateNodeCases.py.

usage: python makeMicrosoftCases.py FOLDER && python makeCases.py FOLDER microsoft.json
"""
import os
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(0)


def floats(*shape):
    return random.standard_normal(shape).astype(np.float32)


def case(operator, inputs, outputs=("y",), **attributes):
    names = [f"i{place}" for place in range(len(inputs))]
    node = helper.make_node(operator, names, outputs, domain="com.microsoft", **attributes)
    given = [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n, x in zip(names, inputs)]
    wanted = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs if n]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(helper.make_graph([node], "g", given, wanted), opset_imports=opsets, ir_version=9)
    results = onnxruntime.InferenceSession(model.SerializeToString()).run(None, dict(zip(names, inputs)))
    folder = os.path.join(sys.argv[1], f"test_{operator.lower()}")
    os.makedirs(os.path.join(folder, "test_data_set_0"), exist_ok=True)
    with open(os.path.join(folder, "model.onnx"), "wb") as out:
        out.write(model.SerializeToString())
    for kind, arrays in [("input", inputs), ("output", results)]:
        for place, array in enumerate(arrays):
            with open(os.path.join(folder, "test_data_set_0", f"{kind}_{place}.pb"), "wb") as out:
                out.write(numpy_helper.from_array(array).SerializeToString())


case("Gelu", [floats(2, 4)])
case("BiasGelu", [floats(2, 4), floats(4)])
case("FastGelu", [floats(2, 4), floats(4)])
case("QuickGelu", [floats(2, 4)])
case("FusedMatMul", [floats(2, 3, 4), floats(2, 5, 4)], alpha=0.5, transB=1)
rows = [floats(2, 3, 4), floats(2, 3, 4)]
case("SkipLayerNormalization", [*rows, floats(4), floats(4), floats(4)], ("y", "", "", "sum"), epsilon=1e-5)
case("SkipSimplifiedLayerNormalization", [*rows, floats(4), floats(4)], ("y", "", "", "sum"), epsilon=1e-5)
