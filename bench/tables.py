# scikit-learn with its defaults on the tables of bench/tables.json, for comparison with bench/tables.ts. Needs scikit-learn, but not pandas.
#
#   HEBB_TABLES=~/tables python bench/tables.py split      writes the outer 80/20 splits that both read, three seeds
#   HEBB_TABLES=~/tables python bench/tables.py            measures, and writes sklearn.json there
#   … tables.py compare                                    sklearn.json next to hebb.json, as a table
#
# The CSV files come from public packages: bench/tables.R writes most of them from Debian's r-cran packages; adult, abalone, wine (UCI) and
# titanic, taxis, mpg (seaborn-data) are copied with a header line. The rest is generated here from a seed.
import csv, json, os, sys, time, resource
from pathlib import Path

import numpy as np

folder = Path(os.environ["HEBB_TABLES"])
tables = json.loads((Path(__file__).parent / "tables.json").read_text())
wanted = os.environ.get("HEBB_TABLES_ONLY")
if wanted:
    tables = [t for t in tables if t["name"] in wanted.split(",")]
seeds = [int(s) for s in os.environ.get("HEBB_TABLES_SEEDS", "0,1,2").split(",")]
splits = folder / "splits"


def read(path):
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    return rows[0], rows[1:]


def made(name):
    """Harder tables, drawn from a seed."""
    r = np.random.default_rng(7)
    if name == "prototypes":  # 26 classes, four prototypes each, mixed unevenly
        centres = r.normal(size=(26, 4, 16)) * 1.6
        label = r.integers(0, 26, 20000)
        x = centres[label, r.integers(0, 4, 20000)] + r.normal(size=(20000, 16))
        x = np.round((x @ r.normal(size=(16, 16)) / 4 + np.sin(x)) * 4)
        y = [chr(65 + k) for k in label]
    elif name == "steps":  # a number with jumps, an interaction and a category
        x = np.round(r.gamma(1.5, 2.0, size=(12000, 8)), 3)
        group = r.integers(0, 12, 12000)
        y = 3 * (x[:, 0] > 2.5) - 2 * (x[:, 1] > 4) * (x[:, 2] > 1) + np.sin(3 * x[:, 3]) + 0.3 * x[:, 4] * (group % 3) + r.normal(size=12000) * 0.4
        x = np.column_stack([x, [f"g{k}" for k in group]])
        y = np.round(y, 4)
    else:
        return None
    header = [f"x{i}" for i in range(x.shape[1])] + ["y"]
    return header, [[*map(str, row), str(target)] for row, target in zip(x.tolist(), list(y))]


def split():
    splits.mkdir(exist_ok=True)
    for table in tables:
        header, rows = made(table["name"]) or read(folder / (table.get("file", table["name"]) + ".csv"))
        at = [k for k, column in enumerate(header) if column not in table.get("drop", [])]
        header = [header[k] for k in at]
        rows = [[row[k] for k in at] for row in rows]
        target = header.index(table["target"])
        rows = [row for row in rows if row[target] not in ("", "?", "NA")]
        for seed in seeds:
            r = np.random.default_rng(seed)
            test = np.zeros(len(rows), bool)
            if table["task"] == "classification":
                labels = np.array([row[target] for row in rows])
                for label in np.unique(labels):
                    own = r.permutation(np.flatnonzero(labels == label))
                    test[own[: round(len(own) / 5)]] = True
            else:
                test[r.permutation(len(rows))[: len(rows) // 5]] = True
            for part, keep in (("train", ~test), ("test", test)):
                with open(splits / f"{table['name']}-{seed}-{part}.csv", "w", newline="") as file:
                    out = csv.writer(file)
                    out.writerow(header)
                    out.writerows(row for row, k in zip(rows, keep) if k)


missing = {"", "NA", "?", "NaN", "nan"}


def columns_of(header, train, test, target):
    """Numbers as floats, everything else as categories in the order of the training rows; the numbers of times from dates."""
    numbers, categories = [], []
    for k, column in enumerate(header):
        if column == target:
            continue
        cells = [row[k] for row in train] + [row[k] for row in test]
        try:
            numbers.append([float(c) if c not in missing else np.nan for c in cells])
            continue
        except ValueError:
            pass
        try:
            numbers.append([np.datetime64(c.replace(" ", "T")).astype("datetime64[s]").astype(float) / 86400 if c not in missing else np.nan for c in cells])
            continue
        except ValueError:
            pass
        if len(set(cells)) > 2000:
            continue
        names = {c: i for i, c in enumerate(sorted({row[k] for row in train}))}
        categories.append([float(names.get(c, np.nan)) for c in cells])
    rows = len(train) + len(test)
    n = np.array(numbers, float).reshape(len(numbers), rows).T
    c = np.array(categories, float).reshape(len(categories), rows).T
    return n, c


def figures(task, model, x, y):
    from sklearn import metrics as m

    if task == "regression":
        p = model.predict(x)
        return {"rmse": float(np.sqrt(np.mean((p - y) ** 2))), "r2": float(m.r2_score(y, p))}
    p = model.predict_proba(x)
    known = list(model.classes_)
    place = np.array([known.index(v) if v in known else -1 for v in y])
    keep = place >= 0
    found = {"accuracy": float(np.mean(model.predict(x) == y)), "logLoss": float(m.log_loss(place[keep], p[keep], labels=range(len(known))))}
    try:
        found["auc"] = float(m.roc_auc_score(place[keep], p[keep, 1] if len(known) == 2 else p[keep], **({} if len(known) == 2 else {"multi_class": "ovr", "labels": range(len(known))})))
    except ValueError:
        pass
    return found


def measure():
    from sklearn.compose import make_column_transformer
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    import warnings

    warnings.filterwarnings("ignore")
    path = folder / "sklearn.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for table in tables:
        # bench/texts.py measures the tables with texts.
        for seed in seeds if "texts" not in table else []:
            header, train = read(splits / f"{table['name']}-{seed}-train.csv")
            _, test = read(splits / f"{table['name']}-{seed}-test.csv")
            k = header.index(table["target"])
            n, c = columns_of(header, train, test, table["target"])
            number = table["task"] == "regression"
            y = np.array([row[k] for row in train + test])
            if number:
                y = y.astype(float)
            x = np.hstack([n, c])
            few = [j for j in range(c.shape[1]) if np.nanmax(c[:, j], initial=0) < 255]
            xt = np.hstack([n, c[:, few]])
            cut = len(train)

            def encoded():
                return make_column_transformer(
                    (make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), list(range(n.shape[1]))),
                    (make_pipeline(SimpleImputer(strategy="constant", fill_value=-1), OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5)), list(range(n.shape[1], x.shape[1]))),
                )

            mask = [False] * n.shape[1] + [True] * len(few)
            models = {
                "constant": (DummyRegressor() if number else DummyClassifier(), x),
                "linear": (make_pipeline(encoded(), RidgeCV(np.logspace(-3, 3, 13)) if number else LogisticRegression(max_iter=1000)), x),
                "mlp": (make_pipeline(encoded(), MLPRegressor(random_state=seed) if number else MLPClassifier(random_state=seed)), x),
                "trees": ((HistGradientBoostingRegressor if number else HistGradientBoostingClassifier)(random_state=seed, categorical_features=mask), xt),
            }
            skipped = os.environ.get("HEBB_TABLES_SKIP", "").split(",")
            for name, (model, given) in models.items():
                if name in skipped:
                    continue
                key = f"{table['name']} {seed} {name}"
                if key in results:
                    continue
                started, used = time.time(), time.process_time()
                if number and name == "mlp":
                    mean, std = y[:cut].mean(), y[:cut].std()
                    model.fit(given[:cut], (y[:cut] - mean) / std)
                    p = model.predict(given[cut:]) * std + mean
                    found = {"rmse": float(np.sqrt(np.mean((p - y[cut:]) ** 2))), "r2": float(1 - np.mean((p - y[cut:]) ** 2) / np.var(y[cut:]))}
                else:
                    model.fit(given[:cut], y[:cut])
                    found = figures(table["task"], model, given[cut:], y[cut:])
                results[key] = {**found, "seconds": time.time() - started, "cpu": time.process_time() - used, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
                path.write_text(json.dumps(results, indent=1))
                print(key, {k: round(v, 4) for k, v in results[key].items()}, flush=True)


def compare():
    results = {}
    for file in ("sklearn.json", *sys.argv[2:]):
        results.update(json.loads((folder / file).read_text()))
    names = list(dict.fromkeys(key.split(" ")[2] for key in results))
    ranks = {name: [] for name in names}
    behind, costs = {}, {name: [] for name in names}
    print("table".ljust(14), "figure".ljust(9), *(name.rjust(10) for name in names), "to trees".rjust(10), "seconds".rjust(8))
    for table in tables:
        figure, sign = ("rmse", -1) if table["task"] == "regression" else ("accuracy", 1)
        means = {}
        for name in names:
            own = [results[key] for seed in seeds if (key := f"{table['name']} {seed} {name}") in results]
            if own:
                means[name] = {k: float(np.mean([one[k] for one in own if k in one])) for k in own[0] if k != "chosen"}
        if "hebb" not in means or "trees" not in means:
            continue
        order = sorted(means, key=lambda name: -sign * means[name][figure])
        for place, name in enumerate(order):
            ranks[name].append(place + 1)
            costs[name].append([means[name][k] for k in ("seconds", "cpu", "megabytes")])
        behind[table["name"]] = sign * (means["hebb"][figure] - means["trees"][figure]) / abs(means["trees"][figure])
        for k in [figure, *([] if figure == "rmse" else ["logLoss", "auc"])]:
            way = 1 if k in ("accuracy", "auc") else -1
            values = [f"{means[name][k]:.5g}".rjust(10) if name in means and k in means[name] else " " * 10 for name in names]
            if k not in means["hebb"] or k not in means["trees"]:
                continue
            ahead = way * (means["hebb"][k] - means["trees"][k]) / abs(means["trees"][k])
            print(table["name"].ljust(14), k.ljust(9), *values, f"{100 * ahead:+.2f} %".rjust(10), f"{means['hebb']['seconds']:.1f}".rjust(8))
    print("mean rank".ljust(24), *(f"{np.mean(ranks[name]):.2f}".rjust(10) if ranks[name] else " " * 10 for name in names))
    for k, what in enumerate(("seconds, mean", "of all cores, mean", "MB, most")):
        of = np.max if k == 2 else np.mean
        print(what.ljust(24), *(f"{of([own[k] for own in costs[name]]):.1f}".rjust(10) if costs[name] else " " * 10 for name in names))
    if behind:
        worst = min(behind, key=behind.get)
        print(f"{sum(ahead > 0 for ahead in behind.values())} of {len(behind)} tables ahead of the trees; the least: {worst} {100 * behind[worst]:+.2f} %")


if __name__ == "__main__":
    {"split": split, "compare": compare}.get(sys.argv[1] if len(sys.argv) > 1 else "", measure)()
