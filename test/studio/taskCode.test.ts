// The code that records finished lesson tasks: every set of tasks is recovered, and no typing error yields another set.
import { describe, expect, it } from "vitest";
import { Random } from "../../src/data/random.ts";
import { lessons } from "../../studio/shared/lessons.ts";
import { edition, readClass, readTaskCode, taskCode, taskNames } from "../../studio/shared/taskCode.ts";
import { missing, useStudio, whenTrue } from "./browser.ts";

const random = new Random(11, 0x59);
const some = (): Set<string> => new Set(taskNames.filter(() => random.integer(2) === 1));
const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

describe("the code of the finished tasks", () => {
  it("belongs to these tasks: a change of their number or order requires a new edition", () => {
    expect([edition, lessons.map(({ tasks }) => tasks.length).join(" ")]).toEqual([1, "2 2 3 3 3 3 4 3 3 3 3 3 3 4"]);
  });
  it("gives back every set", () => {
    for (const done of [new Set<string>(), new Set(taskNames), ...taskNames.map((name) => new Set([name]))])
      expect(readTaskCode(taskCode(done))).toEqual(done);
    for (let k = 0; k < 500; k++) {
      const done = some();
      expect(readTaskCode(taskCode(done))).toEqual(done);
    }
  });
  it("accepts small letters, no dashes, and I, L and O for 1 and 0", () => {
    for (let k = 0; k < 100; k++) {
      const done = some();
      const typed = taskCode(done).toLowerCase().replaceAll("-", " ").replaceAll("1", "l").replaceAll("0", "o");
      expect(readTaskCode(typed)).toEqual(done);
    }
  });
  it("refuses every wrong character, every swap of neighbours, and truncated or foreign codes", () => {
    for (let k = 0; k < 5; k++) {
      const code = taskCode(some()).replaceAll("-", "");
      for (let at = 0; at < code.length; at++) {
        for (const digit of digits)
          if (digit !== code[at])
            expect(() => readTaskCode(code.slice(0, at) + digit + code.slice(at + 1))).toThrow(/wrong|edition/);
        const swapped = code.slice(0, at) + (code[at + 1] ?? "") + (code[at] ?? "") + code.slice(at + 2);
        if (at + 1 < code.length && swapped !== code) expect(() => readTaskCode(swapped)).toThrow(/wrong|edition/);
      }
    }
    expect(() => readTaskCode(taskCode(some()).slice(0, -1))).toThrow(/copy all of it/);
    expect(() => readTaskCode("hello, world!")).toThrow(/is in no code/);
  });
  it("reads a class: names before the codes, and a message for anything that is not a code", () => {
    const done = new Set(["1.0", "14.2"]);
    const [ada, second, third] = readClass(`Ada Lovelace: ${taskCode(done)}\n\n  ${taskCode(new Set())}\nBob 123`);
    expect(ada).toEqual({ name: "Ada Lovelace", done, problem: "" });
    expect(second).toEqual({ name: "learner 2", done: new Set(), problem: "" });
    expect(third).toMatchObject({ name: "Bob", done: undefined });
    expect(third?.problem).toMatch(/characters, this one 3/);
  });
});

const studio = useStudio();

describe.skipIf(missing)("in the page", () => {
  it("a finished task is added to the code, a teacher reads it, and a learner resumes with it elsewhere", async () => {
    const page = await studio.open("surface=lessons&lesson=2", { query: "&play=0" });
    await page.getByRole("heading", { name: "Its limit" }).waitFor();
    await page.evaluate("studio.advance(250)");
    await page.locator(".tasks li[data-done=true]").first().waitFor();
    await page.getByRole("button", { name: "All lessons" }).click();
    const code = await page.getByRole("textbox", { name: "Your code" }).inputValue();
    expect(readTaskCode(code)).toEqual(new Set(["2.0"]));
    await page.getByText("For teachers").click();
    await page.getByLabel("Codes, one a line").fill(`Ada ${code}\nBob ${taskCode(new Set(taskNames))}\nEve 12`);
    const rows = page.locator(".class-table tbody tr");
    await whenTrue(page, "document.querySelectorAll('.class-table tbody tr').length === 3");
    expect((await rows.nth(0).innerText()).split(/\s+/).join(" ")).toBe(
      `Ada 1 of ${taskNames.length} – 1/2${" –".repeat(12)}`,
    );
    expect((await rows.nth(1).innerText()).split(/\s+/).join(" ")).toBe(
      `Bob ${taskNames.length} of ${taskNames.length}${" ✓".repeat(14)}`,
    );
    expect(await rows.nth(2).innerText()).toMatch(/Eve.*this one 2/s);
    await page.close();
    const other = await studio.open("surface=lessons", { query: "&play=0" });
    await other.getByRole("textbox", { name: "Your code" }).fill(code);
    await other.getByText("1 of 2").waitFor();
    await other.close();
  });
});
