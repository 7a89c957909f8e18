"""Makes metrics.json: figures of decisions and scores, with scikit-learn.

    python test/golden/metrics.py > test/golden/metrics.json

A case holds labels, decisions, and of two classes also the scores of the positive one: with ties, constant scores, a class that is
never predicted, one that never occurs, and one row.
"""
import json
import warnings
import numpy as np
import sklearn
from sklearn import metrics as m

warnings.filterwarnings("ignore")  # Of classes that are never predicted: their precision is 0.
rng = np.random.default_rng(7)
cases = []


def averages(labels, decided, average, **options):
    precision, recall, f1, _ = m.precision_recall_fscore_support(labels, decided, average=average, zero_division=0, **options)
    return {"precision": float(precision), "recall": float(recall), "f1": float(f1)}


def case(name, classes, labels, decided, scores=None):
    labels, decided = np.asarray(labels), np.asarray(decided)
    every = m.precision_recall_fscore_support(labels, decided, labels=range(classes), zero_division=0)
    found = {"accuracy": m.accuracy_score(labels, decided), "balancedAccuracy": m.balanced_accuracy_score(labels, decided)}
    if classes == 2:
        found |= averages(labels, decided, "binary", pos_label=1)
    else:
        found |= {f"macro{key[0].upper()}{key[1:]}": value for key, value in averages(labels, decided, "macro").items()}
    if scores is not None:
        found["rocAuc"] = m.roc_auc_score(labels, scores)
        found["prAuc"] = m.average_precision_score(labels, scores)
    cases.append({
        "name": name,
        "classes": classes,
        "labels": labels.tolist(),
        "decided": decided.tolist(),
        "scores": None if scores is None else np.asarray(scores).tolist(),
        "figures": {key: float(value) for key, value in found.items()},
        "each": [{"precision": float(p), "recall": float(r), "f1": float(f), "support": int(s)} for p, r, f, s in zip(*every)],
    })


for rows, share, digits in [(40, 0.5, 9), (60, 0.1, 9), (80, 0.9, 1), (200, 0.03, 2), (7, 0.5, 1)]:
    labels = (rng.random(rows) < share).astype(int)
    labels[:2] = [0, 1]
    scores = np.round(np.clip(0.35 * labels + 0.65 * rng.random(rows), 0, 1), digits)
    case(f"two classes, {rows} rows, {share} positive, scores to {digits} digits", 2, labels, (scores > 0.5).astype(int), scores)
case("two classes, nothing predicted", 2, [0, 1, 0, 1, 1], [0, 0, 0, 0, 0], [0.5] * 5)
case("two classes, everything predicted", 2, [0, 1, 0, 1, 1], [1, 1, 1, 1, 1], [0.1, 0.9, 0.2, 0.3, 0.15])
case("two classes, all right", 2, [0, 1, 1, 0], [0, 1, 1, 0], [0, 1, 1, 0])
case("two classes, all wrong", 2, [0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1])
case("two classes, no positive row", 2, [0, 0, 0], [0, 1, 0])
case("two classes, nothing positive at all", 2, [0, 0], [0, 0])
for rows, classes in [(30, 3), (150, 5), (400, 12)]:
    labels = rng.integers(0, classes, rows)
    decided = np.where(rng.random(rows) < 0.6, labels, rng.integers(0, classes, rows))
    case(f"{classes} classes, {rows} rows", classes, labels, decided)
case("a class that is never predicted", 3, [0, 1, 2, 2, 1], [0, 1, 1, 0, 1])
case("a class that never occurs", 3, [0, 1, 0, 1], [0, 2, 0, 1])
case("a class that neither occurs nor is predicted", 4, [0, 1, 3, 1], [0, 3, 3, 1])
case("one row", 3, [2], [1])

print(json.dumps({"sklearn": sklearn.__version__, "cases": cases}, separators=(",", ":")))
