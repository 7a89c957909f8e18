# Writes people.* beside it: one table in the formats that other programs write.   Needs pandas, pyarrow, openpyxl, zstandard.
import datetime
import decimal
import pathlib
import sqlite3

import pandas
import pyarrow
import pyarrow.feather
import zstandard

here = pathlib.Path(__file__).parent
n = 40
people = pandas.DataFrame(
    {
        "age": [18 + 7 * i % 61 for i in range(n)],
        "income": [None if i % 9 == 4 else 900.5 + 13.25 * i for i in range(n)],
        "city": [["Rom", "Oslo", "Wien"][i * i % 3] for i in range(n)],
        "since": [datetime.date(2015, 1, 1) + datetime.timedelta(days=91 * i) for i in range(n)],
        "member": [i % 4 == 1 for i in range(n)],
        "price": [decimal.Decimal(1000 + 37 * i) / 100 for i in range(n)],
        "y": ["yes" if 7 * i % 61 > 30 else "no" for i in range(n)],
    }
)
people.to_csv(here / "people.csv", index=False, lineterminator="\n")
(here / "people.csv.zst").write_bytes(zstandard.compress((here / "people.csv").read_bytes()))
typed = pyarrow.Table.from_pandas(people, preserve_index=False)
typed = typed.set_column(2, "city", typed.column("city").dictionary_encode())
for codec in ("lz4", "zstd"):
    pyarrow.feather.write_feather(typed, here / f"people.{codec}.feather", compression=codec, chunksize=16)
plain = people.assign(price=people.price.astype(float))
plain.to_excel(here / "people.xlsx", index=False)
texts = plain.assign(since=plain.since.astype(str))
texts.to_json(here / "people.jsonl", orient="records", lines=True)
(here / "people.sqlite").unlink(missing_ok=True)
with sqlite3.connect(here / "people.sqlite") as base:
    base.execute("pragma page_size = 1024")
    base.execute("vacuum")
    texts.to_sql("people", base, index=False)
