// Own data: problems of a table are reported before training and can be dismissed; inputs have names at any width, grouped by column.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { missing, picture, until, useStudio } from "./browser.ts";

const studio = useStudio();
const noise = (k: number, by = 7919): number => ((k * by) % 1009) / 1009;
const label = (k: number): string => (noise(k) + 0.4 * noise(k, 104729) > 0.7 ? "yes" : "no");
const lines = (head: string, count: number, row: (k: number) => readonly (string | number)[]): string =>
  `${head}\n${Array.from({ length: count }, (_, k) => row(k).join(",")).join("\n")}\n`;

async function drop(page: Page, contents: string | Buffer): Promise<void> {
  const buffer = typeof contents === "string" ? Buffer.from(contents) : contents;
  await page.setInputFiles("#own-files", { name: "mine.csv", mimeType: "text/csv", buffer });
  await page.getByText("What is to be predicted?").waitFor();
}
const cancel = (page: Page): Promise<void> => page.getByRole("button", { name: "Cancel" }).click();

describe.skipIf(missing)("before training", () => {
  it("leaks, rare classes, damaged letters, a missing header, a guessed and a constant target, bad cells", async () => {
    const page = await studio.open("", { query: "&play=0" });
    const said = page.locator(".findings .notice");
    const titanic = lines("age,fare,alive,survived", 120, (k) => [
      k === 16 ? "unknown?" : 20 + Math.round(40 * noise(k)),
      noise(k, 31).toFixed(2),
      label(k) === "yes" ? "y" : "n",
      label(k) === "yes" ? 1 : 0,
    ]);
    await drop(page, titanic);
    await page.getByText("“survived” was guessed because of its name. It is read as 2 classes.").waitFor();
    await said.filter({ hasText: '"alive" alone decides "survived" in 100 % of the rows' }).waitFor();
    await said.filter({ hasText: "in row 17" }).waitFor();
    await picture(page, "own-findings");
    await page.getByLabel("What is to be predicted?").selectOption("fare");
    await page.getByText("It is read as a number.").waitFor();
    await said.filter({ hasText: '"alive" alone decides' }).waitFor({ state: "detached" });
    await cancel(page);

    await drop(
      page,
      lines("a,fraud", 400, (k) => [noise(k).toFixed(3), k % 40 === 3 ? "bad" : "fine"]),
    );
    await page.getByText("“fraud” was guessed because of its name. It is read as 2 classes.").waitFor();
    await said.filter({ hasText: '97.5 % of the rows have the "fraud" fine' }).waitFor();
    await cancel(page);

    await drop(page, Buffer.from(lines("a,stadt,y", 60, (k) => [noise(k), k % 3 ? "MÃ¼nchen" : "Ulm", label(k)])));
    await said.filter({ hasText: "damaged letters" }).waitFor();
    await cancel(page);
    await drop(
      page,
      Buffer.from(
        lines("a,stadt,y", 60, (k) => [noise(k), k % 3 ? "München" : "Ulm", label(k)]),
        "latin1",
      ),
    );
    await page.getByText("it was read as Windows-1252").waitFor();
    await page.getByRole("cell", { name: "München" }).first().waitFor();
    await cancel(page);

    await drop(
      page,
      lines("a,y", 30, (k) => [noise(k).toFixed(3), "same"]),
    );
    await said.filter({ hasText: "in every row, so there is nothing to learn" }).waitFor();
    expect(await page.getByRole("button", { name: "Learn from it" }).isDisabled()).toBe(true);
    await cancel(page);

    await drop(
      page,
      lines("5.1,3.5,setosa", 60, (k) => [4 + noise(k), 2 + noise(k, 31), k % 2 ? "setosa" : "other"]),
    );
    await said.filter({ hasText: "looks like data, not like names of columns" }).waitFor();
    await page.getByRole("button", { name: "The first line is data: name the columns" }).click();
    await page.getByText("61 rows, 3 columns").waitFor();
    await page.getByRole("columnheader", { name: "column3" }).waitFor();
    await said.filter({ hasText: "looks like data" }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Learn from it" }).click();
    const now = await until(page, ({ state }) => state["data"] === "own", "the table");
    expect(now.state["target"]).toBe("column3");

    // A column that leaks the target is removed from the training and from the program.
    await drop(page, titanic);
    await said.filter({ hasText: '"alive" alone decides' }).waitFor();
    await page.getByLabel("use alive").uncheck();
    await said.filter({ hasText: '"alive" alone decides' }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Learn from it" }).click();
    await until(page, ({ state }) => state["without"] === "alive", "the table without a column");
    await page.locator(".unit-name", { hasText: "fare" }).waitFor();
    expect(await page.locator(".unit-name", { hasText: "alive" }).count()).toBe(0);
    await page.getByText("TypeScript", { exact: true }).click();
    await page.locator("pre", { hasText: '(await readCsvFile("mine.csv")).drop("alive")' }).waitFor();

    // The report stays in the Lab until it is dismissed.
    await drop(page, titanic);
    await page.getByRole("button", { name: "Learn from it" }).click();
    const notice = page.locator(".notices .notice", { hasText: '"alive" alone decides' });
    await notice.waitFor();
    await notice.getByRole("button", { name: "Close this notice" }).click();
    await notice.waitFor({ state: "detached" });
    await page.close();
  });
  it("a failure is reported, and can be dismissed", async () => {
    const page = await studio.open("", { query: "&play=0" });
    await page.evaluate("studio.change({ data: 'own' })");
    const notice = page.locator(".notices .notice.bad", { hasText: "drop it again" });
    await notice.waitFor();
    await notice.getByRole("button", { name: "Close this notice" }).click();
    await notice.waitFor({ state: "detached" });
    await page.close();
  });
});

describe.skipIf(missing)("inputs have names", () => {
  for (const [title, columns, shown] of [
    ["12 inputs", 12, ["column 1", "column 12"]],
    ["48 inputs", 48, ["column 1", "column 48"]],
  ] as const)
    it(`${title}, each by its column`, async () => {
      const page = await studio.open("", { query: "&play=0" });
      const names = Array.from({ length: columns }, (_, k) => `column ${k + 1}`);
      await drop(
        page,
        lines([...names, "y"].join(","), 90, (k) => [
          ...names.map((_, c) => noise(k + 3 * c, 31 + 2 * c).toFixed(3)),
          label(k),
        ]),
      );
      await page.getByRole("button", { name: "Learn from it" }).click();
      await until(page, ({ state }) => state["data"] === "own", "the table");
      for (const name of shown)
        await page
          .locator(".input-name, .input-list li")
          .getByText(name, { exact: true })
          .waitFor({ state: "attached" });
      await page.close();
    });
  it("the values of one column are under its name", async () => {
    const page = await studio.open("", { query: "&play=0" });
    const colors = ["red", "green", "blue", "black", "white", "grey", "brown"];
    await drop(
      page,
      lines("size,color,mass,y", 210, (k) => [
        noise(k).toFixed(3),
        colors[k % 7] ?? "",
        noise(k, 31).toFixed(3),
        label(k),
      ]),
    );
    await page.getByRole("button", { name: "Learn from it" }).click();
    await until(page, ({ state }) => state["data"] === "own", "the table");
    await page.getByText("color (7)", { exact: true }).waitFor();
    expect(await page.locator(".input-name").allTextContents()).toEqual(["size", "color (7)", "mass"]);
    expect(await page.getByText("color (7)", { exact: true }).getAttribute("title")).toContain("color = red");
    await picture(page, "own-groups");
    await page.close();
  });
  it("a column of texts becomes its words, which also classify a row that the visitor enters", async () => {
    const page = await studio.open("", { query: "&play=0" });
    const parts = [
      ["lovely", "cosy", "bright"],
      ["dull", "broken", "cold"],
    ] as const;
    await drop(
      page,
      lines("note,size,y", 240, (k) => {
        const side = k % 2;
        return [
          `the ${parts[side]?.[k % 3]} room of guest ${k} was ${parts[side]?.[(k >> 3) % 3]}`,
          noise(k).toFixed(3),
          side === 0 ? "like" : "dislike",
        ];
      }),
    );
    await page.getByRole("button", { name: "Learn from it" }).click();
    await until(page, ({ state }) => state["data"] === "own", "the table");
    await page.getByText(/^note \(\d+\)$/).waitFor();
    expect(await page.getByText(/^note \(\d+\)$/).getAttribute("title")).toContain('note has "lovely"');
    await page.evaluate("studio.play(true)");
    await until(page, ({ epoch }) => epoch >= 30, "thirty epochs");
    await page.evaluate("studio.play(false)");
    await picture(page, "own-texts");
    await page.close();
  });
});
