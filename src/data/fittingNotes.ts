// Notes for the user about columns: how an ambiguous one was read, and why one is not used.
import { quoted, visible } from "../graph/visible.ts";
import { show } from "./cells.ts";
import type { ColumnFacts } from "./facts.ts";
import { type Reading, readerOf } from "./reading.ts";
import { missingNote } from "./rowEncoder.ts";

/** Why a column meant to hold numbers is not used; undefined if it was not meant to. */
export function misreadNumbers({ evidence, type }: Pick<ColumnFacts, "evidence" | "type">): string | undefined {
  const { numbers, present } = evidence;
  if (type.reading.kind !== "text" || 2 * numbers <= present || evidence.codes) return undefined;
  const misfit = evidence.misfit("plain");
  return `${present - numbers} of its ${present} cells are not numbers (the first is ${show(misfit?.cell)} in row ${(misfit?.row ?? -1) + 1}), too many to be typing errors; fix them or leave them empty`;
}

/** Why a column whose values hardly repeat is not used. */
export const variedReason = (column: Pick<ColumnFacts, "evidence" | "type">): string =>
  misreadNumbers(column) ?? "it is different in most rows, so it identifies rows rather than describing them";

/** Notes on cells whose reading was ambiguous. */
export function readingNotes({ name, evidence, type }: Pick<ColumnFacts, "name" | "evidence" | "type">): string[] {
  const { reading } = type;
  const the = quoted(name);
  switch (reading.kind) {
    case "number": {
      const own = reading.missing.map(
        (word) =>
          `${the}: ${show(word)} (${evidence.spellings.get(word)?.count} cells) is not a number and counts as missing`,
      );
      const unreadable =
        type.kind === "number" && type.unreadable > 0
          ? missingNote(name, { count: type.unreadable, first: evidence.misfit(reading.format) }, "number")
          : [];
      return [...own, ...unreadable, ...missingNote(name, evidence.infinite, "infinite")];
    }
    case "date": {
      if (reading.form === "time") return missingNote(name, evidence.noTimes(), "time");
      if (reading.form !== "calendar") return [];
      const { openDates, noDate } = evidence;
      const open = openDates.count > 0 && noDate.dayFirst.count === noDate.monthFirst.count;
      const order = reading.order === "dayFirst" ? "day" : "month";
      return [
        ...(open ? [`${the}: dates such as ${show(openDates.first?.cell)} are read with the ${order} first`] : []),
        ...missingNote(name, evidence.noDates(reading.order), "date"),
      ];
    }
    case "duration":
      return missingNote(name, evidence.noDurations(), "duration");
    case "text":
      return reading.values.map((mark) => {
        const others = [...evidence.values.keys()].slice(0, 3).map(visible).join(", ");
        return `${the}: "${mark}" is read as an ordinary value beside the others (${others}); leave those cells empty if they are missing`;
      });
    case "boolean":
      return [];
  }
}

const rowsHave = (count: number): string => (count === 1 ? "1 row has" : `${count} rows have`);
const are = (count: number): string => (count === 1 ? "is" : "are");

/** `14 rows have no "y" ("NA", "?") and are left out` */
export function withoutTargetNote({ name, evidence }: ColumnFacts, count: number, reading: Reading): string {
  const reader = readerOf(reading);
  const marks = [...evidence.marks.keys()].filter((mark) => reader.missing(mark));
  const seen =
    marks.length === 0
      ? ""
      : ` (${marks
          .slice(0, 5)
          .map((mark) => `"${mark}"`)
          .join(", ")})`;
  return `${rowsHave(count)} no ${quoted(name)}${seen} and ${are(count)} left out`;
}

/** `3 rows have gaps that are not to be filled, and are left out` */
export const withGapsNote = (count: number): string =>
  `${rowsHave(count)} missing values that were not to be filled, and ${are(count)} left out`;
