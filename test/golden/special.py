"""Makes special.json: special functions to 40 digits, by mpmath, at numbers that float32 holds.

    python test/golden/special.py > test/golden/special.json
"""
import json

import mpmath as mp
import numpy as np

mp.mp.dps = 40
rng = np.random.default_rng(16)


def even(low, high, count=60):
    return list(rng.uniform(low, high, count))


def sizes(low, high, count=40, signs=(-1, 1)):
    return [float(s * 10**e) for s, e in zip(rng.choice(signs, count), rng.uniform(low, high, count))]


functions = {
    "erfc": (mp.erfc, even(-3, 3) + even(0, 9) + sizes(-20, 0)),
    "erfcx": (lambda x: mp.exp(x * x) * mp.erfc(x), even(-3, 3) + even(0, 50) + sizes(0, 18, signs=(1,))),
    "erfinv": (mp.erfinv, even(-1, 1) + sizes(-20, -0.01) + [0.9999, -0.999999]),
    "lgamma": (lambda x: mp.log(abs(mp.gamma(x))), even(0, 4) + even(0, 40) + even(-5, 0) + sizes(-10, 18, signs=(1,)) + [1.001, 1.999, 0.99999, 2.00001]),
    "digamma": (mp.digamma, even(0, 4) + even(0, 40) + even(-5, 0) + sizes(-10, 18, signs=(1,))),
    "trigamma": (lambda x: mp.polygamma(1, x), even(0, 4) + even(0, 40) + even(-5, 0) + sizes(-5, 10, signs=(1,))),
    "polygamma2": (lambda x: mp.polygamma(2, x), even(0, 4) + even(0, 40)),
    "polygamma3": (lambda x: mp.polygamma(3, x), even(0, 4) + even(0, 40)),
    "i0": (lambda x: mp.besseli(0, x), even(-10, 10) + even(-80, 80)),
    "i1": (lambda x: mp.besseli(1, x), even(-10, 10) + even(-80, 80)),
    "i0e": (lambda x: mp.besseli(0, x) * mp.exp(-abs(x)), even(-10, 10) + even(-80, 80)),
    "i1e": (lambda x: mp.besseli(1, x) * mp.exp(-abs(x)), even(-10, 10) + even(-80, 80)),
}
rows = {}
for name, (fn, xs) in functions.items():
    held = [float(np.float32(x)) for x in xs]
    rows[name] = {"x": held, "y": [float(mp.re(fn(mp.mpf(x)))) for x in held]}
print(json.dumps(rows))
