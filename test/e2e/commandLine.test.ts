// Conveniences of the command line: a configuration file, runs side by side, kept columns, output formats, completion.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readTableFile } from "../../src/data/node.ts";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();
const at = (name: string): string => join(folder(), name);

test("a file sets the same options as flags, flags take precedence, and runs are compared side by side", async () => {
  const common = ["--backend", "wasm", "--threads", "1"];
  writeFileSync(
    at("job.yaml"),
    "data: iris\nepochs: 3\nhidden: [8, 4]\nignore: [sepal_width]\ndoctor: false\nout: runs/a\n",
  );
  const first = await hebb("train", "--config", "job.yaml", ...common, "--save-config", "saved.json");
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(readFileSync(at("saved.json"), "utf8"))).toMatchObject({
    data: "iris",
    epochs: 3,
    hidden: [8, 4],
    doctor: false,
  });
  expect((await hebb("train", "--config", "saved.json", "--epochs", "5", "--out", "runs/b")).code).toBe(0);
  const listed = JSON.parse((await hebb("runs", "--json")).stdout);
  expect(listed.map(({ run, epochs }: { run: string; epochs: number }) => `${run} ${epochs}`).sort()).toEqual([
    "runs/a 3",
    "runs/b 5",
  ]);
  const [low] = [...listed].sort((a, b) => a.loss - b.loss);
  expect((await hebb("runs", "best")).stdout).toBe(`${low.run}\n`);
  expect((await hebb("runs", "compare", "runs/a", "runs/b")).stdout).toMatch(
    /^epochs\n {2}3 +runs\/a\n {2}5 +runs\/b/m,
  );
  expect(await hebb("runs", "worst")).toMatchObject({ code: 2, stderr: expect.stringMatching(/list, compare, best/) });
  expect((await hebb("runs", "plot", "runs/a", "runs/b")).stdout).toMatch(/loss, runs\/a/);
  writeFileSync(at("bad.json"), '{"data": "iris", "epoch": 3}');
  expect((await hebb("train", "--config", "bad.json")).stderr).toMatch(/unknown option '--epoch'/);
  expect((await hebb("train")).stderr).toMatch(/missing required argument 'data'/);

  writeFileSync(
    at("new.csv"),
    "id,sepal_length,sepal_width,petal_length,petal_width\n7,5.1,3.5,1.4,0.2\n9,6.7,3,5.2,2.3\n",
  );
  const { stdout } = await hebb("predict", "runs/a", "new.csv", "--keep", "ID", "--format", "jsonl");
  expect(
    stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).id),
  ).toEqual(["7", "9"]);
  expect((await hebb("predict", "runs/a", "new.csv", "--keep", "id", "--out", "out.parquet")).code).toBe(0);
  expect((await readTableFile(at("out.parquet"))).columnNames.slice(0, 2)).toEqual(["id", "prediction"]);
  writeFileSync(at("renamed.csv"), readFileSync(at("new.csv"), "utf8").replace("id,", "prediction,"));
  expect(await hebb("predict", "runs/a", "renamed.csv", "--keep", "prediction")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/the result has a column "prediction" of its own.*renamed.csv; rename it there/),
  });
});

test("completion lists the commands and their flags", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout, code } = await hebb("completion", shell);
    expect(code).toBe(0);
    expect(stdout).toContain("find-lr");
    expect(stdout).toContain("predict");
  }
});
