# Tables with texts, for comparison with bench/tables.ts: scikit-learn with tf-idf of words and pairs, a linear model, and boosted trees
# over its hundred largest directions. The figures are added to those of bench/tables.py in sklearn.json.
#
#   HEBB_TABLES=~/tables python bench/texts.py        after bench/tables.py split; HEBB_TABLES_ONLY and HEBB_TABLES_SEEDS as there
#
# foods comes from bench/tables.R (modeldata's small_fine_foods), sms from UCI's SMS Spam Collection, clothing from the public Women's E-Commerce
# Clothing Reviews (1,000 rows, Recommended IND as yes and no, without Rating and Clothing ID): copied as CSV with a header line.
import json, os, resource, time, warnings

import numpy as np
from scipy.sparse import csr_matrix, hstack

from tables import columns_of, figures, folder, read, seeds, splits, tables

warnings.filterwarnings("ignore")


def directions(train, test):
    from sklearn.decomposition import TruncatedSVD

    model = TruncatedSVD(100, random_state=0).fit(train)
    return model.transform(train), model.transform(test)


def main():
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    path = folder / "sklearn.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for table in tables:
        for seed in seeds if "texts" in table else []:
            header, train = read(splits / f"{table['name']}-{seed}-train.csv")
            _, test = read(splits / f"{table['name']}-{seed}-test.csv")
            target = header.index(table["target"])
            y = np.array([row[target] for row in train + test])
            cut = len(train)
            texts = [header.index(name) for name in table["texts"]]
            others = [k for k in range(len(header)) if k not in texts]
            part = lambda rows: [[row[k] for k in others] for row in rows]
            n, c = columns_of([header[k] for k in others], part(train), part(test), table["target"])
            sparse = []
            for k in texts:
                words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
                sparse.append((words.fit_transform([row[k] for row in train]), words.transform([row[k] for row in test])))
            tfidf = [hstack([pair[side] for pair in sparse]).tocsr() for side in (0, 1)]
            scaled = np.nan_to_num(StandardScaler().fit(n[:cut]).transform(n)) if n.shape[1] > 0 else n
            one_hot = csr_matrix(OneHotEncoder(handle_unknown="ignore").fit(c[:cut]).transform(c)) if c.shape[1] > 0 else csr_matrix(c)
            wide = [hstack([csr_matrix(scaled[rows]), one_hot[rows], tfidf[side]]).tocsr() for side, rows in enumerate((slice(0, cut), slice(cut, None)))]

            def narrow():
                a, b = directions(*tfidf)
                return np.hstack([n[:cut], c[:cut], a]), np.hstack([n[cut:], c[cut:], b])

            models = {
                "constant": (DummyClassifier(), lambda: wide),
                "linear": (LogisticRegressionCV(Cs=[1, 3, 10, 30], max_iter=1000, scoring="neg_log_loss", l1_ratios=(0,), use_legacy_attributes=False), lambda: wide),
                "trees": (HistGradientBoostingClassifier(random_state=seed), narrow),
            }
            for name, (model, given) in models.items():
                key = f"{table['name']} {seed} {name}"
                if key in results:
                    continue
                started, used = time.time(), time.process_time()
                a, b = given()
                model.fit(a, y[:cut])
                found = figures("classification", model, b, y[cut:])
                results[key] = {**found, "seconds": time.time() - started, "cpu": time.process_time() - used, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
                path.write_text(json.dumps(results, indent=1))
                print(key, {k: round(v, 4) for k, v in results[key].items()}, flush=True)


main()
