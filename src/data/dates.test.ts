// Dates: every notation and its day, time zones, and dates that do not exist.
import { describe, expect, test } from "vitest";
import { hasOrder, parseDate } from "./dates.ts";

const days = (year: number, month: number, day: number): number => Date.UTC(year, month - 1, day) / 86400000;

test.each<[string, number]>([
  ["1970-01-02", 1],
  ["1970-01-01 12:00", 0.5],
  ["2024-02-29", days(2024, 2, 29)],
  ["2000/2/29", days(2000, 2, 29)],
  ["1.5.2024", days(2024, 5, 1)],
  ["1-May-2024", days(2024, 5, 1)],
  ["1 september 2024", days(2024, 9, 1)],
  ["1-Sept-2024", days(2024, 9, 1)],
  ["1850-12-31", days(1850, 12, 31)],
  ["2024-05-01T24:00", days(2024, 5, 2)],
  ["2024-05-01T12:30:36", days(2024, 5, 1) + (12 * 3600 + 30 * 60 + 36) / 86400],
  ["2024-05-01T00:00:00.5Z", days(2024, 5, 1) + 0.5 / 86400],
  ["2024-05-01T00:00+02:00", days(2024, 4, 30) + 22 / 24],
  ["2024-05-01T00:00-0530", days(2024, 5, 1) + 5.5 / 24],
  ["2024-05-01 00:00 +01", days(2024, 4, 30) + 23 / 24],
  ["2024-05-01 12:15 AM", days(2024, 5, 1) + 0.25 / 24],
  ["2024-05-01 12:15 pm", days(2024, 5, 1) + 12.25 / 24],
])("%s", (cell, value) => expect(parseDate(cell)).toBeCloseTo(value, 9));

test("day and month in either order", () => {
  expect(parseDate("02/03/2024", "dayFirst")).toBe(days(2024, 3, 2));
  expect(parseDate("02/03/2024", "monthFirst")).toBe(days(2024, 2, 3));
  expect(parseDate("02-03-2024", "monthFirst")).toBe(days(2024, 2, 3));
  expect(parseDate("13/03/2024", "monthFirst")).toBeNaN();
  expect(parseDate("02.03.2024", "monthFirst")).toBe(days(2024, 3, 2));
  expect(["1/2/2024", "01-02-2024", "2024-01-02", "1.2.2024", "1-May-2024"].map(hasOrder)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test("every day of four hundred years matches the engine's calendar", () => {
  for (let day = days(1800, 1, 1); day < days(2200, 1, 1); day += 1)
    if (parseDate(new Date(day * 86400000).toISOString().slice(0, 10)) !== day) expect(day).toBe("a day that is read");
});

describe("not dates", () => {
  test.each([
    "2023-02-29",
    "1900-02-29",
    "2024-04-31",
    "2024-13-01",
    "2024-00-10",
    "2024-01-00",
    "2024-01-01T25:00",
    "2024-01-01T24:01",
    "2024-01-01T10:60",
    "2024-01-01 13:00 PM",
    "2024-01-01T10:00+24:00",
    "01/02-2024",
    "20240101",
    "2024-13",
    "1-Foo-2024",
    "Room 5.1.2024",
    "Maybe 2024",
    "2024-Q5",
    "10/2024/5",
    "tomorrow",
    "",
    "1".repeat(100),
  ])("%s", (cell) => expect(parseDate(cell)).toBeNaN());
});
