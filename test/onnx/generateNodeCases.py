"""Writes the node cases that the onnx package carries, as folders of model.onnx and test_data_set_N/*.pb.

usage: python generateNodeCases.py FOLDER
"""
import os
import sys

import numpy as np
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases


def as_proto(value, info):
    kind = info.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.from_list(value, info.name)
    if kind == "optional_type":
        return numpy_helper.from_optional(value, info.name)
    if kind == "map_type":
        return numpy_helper.from_dict(value, info.name)
    if isinstance(value, TensorProto):
        return value
    return numpy_helper.from_array(np.asarray(value), info.name)


def write(path, message):
    with open(path, "wb") as out:
        out.write(message.SerializeToString())


def main(folder):
    count = 0
    for case in collect_testcases(None):
        out = os.path.join(folder, case.name)
        os.makedirs(out, exist_ok=True)
        write(os.path.join(out, "model.onnx"), case.model)
        graph = case.model.graph
        for index, (inputs, outputs) in enumerate(case.data_sets):
            data = os.path.join(out, f"test_data_set_{index}")
            os.makedirs(data, exist_ok=True)
            for place, (value, info) in enumerate(zip(inputs, graph.input)):
                write(os.path.join(data, f"input_{place}.pb"), as_proto(value, info))
            for place, (value, info) in enumerate(zip(outputs, graph.output)):
                write(os.path.join(data, f"output_{place}.pb"), as_proto(value, info))
        count += 1
    print(f"{count} cases in {folder}")


main(sys.argv[1])
