"""Packs the smallest of ONNX's node cases, up to two an operator, into fixtures/cases.json, of a folder of generateNodeCases.py.

usage: python makeCases.py FOLDER [NAME]
"""
import base64
import collections
import json
import os
import sys

import onnx

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", sys.argv[2] if len(sys.argv) > 2 else "cases.json")


def size(folder):
    return sum(os.path.getsize(os.path.join(root, f)) for root, _, files in os.walk(folder) for f in files)


def main(folder):
    counts = collections.Counter()
    packed = {}
    names = [n for n in os.listdir(folder) if not n.endswith("_expanded") and not n.startswith(("test_cast", "test_ai_onnx"))]
    for name in sorted(names, key=lambda n: (size(os.path.join(folder, n)), n)):
        path = os.path.join(folder, name)
        operators = [n.op_type for n in onnx.load(os.path.join(path, "model.onnx")).graph.node]
        if size(path) > 2500 or counts[operators[-1]] >= 2:
            continue
        counts[operators[-1]] += 1
        files = {}
        for root, _, found in os.walk(path):
            for f in sorted(found):
                full = os.path.join(root, f)
                files[os.path.relpath(full, path)] = base64.b64encode(open(full, "rb").read()).decode()
        packed[name] = files
    with open(OUT, "w") as out:
        json.dump(packed, out, sort_keys=True)
    print(len(packed), "cases", os.path.getsize(OUT), "bytes")


main(sys.argv[1])
