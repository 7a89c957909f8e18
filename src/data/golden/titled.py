# Writes titled.xlsx: a sheet as reports have it, with a title above the names of the columns. Needs openpyxl.
from pathlib import Path

import openpyxl

book = openpyxl.Workbook()
sheet = book.active
sheet.append(["Sales report 2024"])
sheet.append([])
sheet.append(["region", "units", "revenue"])
for row in range(6):
    sheet.append(["N" if row % 2 == 0 else "S", row, 9.5 * row])
book.save(Path(__file__).parent / "titled.xlsx")
