// hebb export, import and inspect as users call them: every kind of file, back to a run that predicts the same.
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();
const golden = fileURLToPath(new URL("../golden/formats/files/", import.meta.url));

beforeAll(async () => {
  const { code, stderr } = await hebb("train", "iris", "--epochs", "3", "--out", "run");
  expect(stderr).toBe("");
  expect(code).toBe(0);
  writeFileSync(
    join(folder(), "rows.csv"),
    "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n6.2,2.9,4.3,1.3\n7.1,3,5.9,2.1\n",
  );
});

describe.each(["safetensors", "npz", "torch", "json"])("%s", (kind) => {
  test("a run is exported, read back, shown, and imported as a run that predicts the same", async () => {
    const file = `weights.${kind}`;
    const exported = await hebb("export", "run", "--to", kind, "--output", file, "--json");
    expect(exported.stderr).toBe("");
    expect(JSON.parse(exported.stdout)).toMatchObject({ path: file, arrays: 6, difference: 0, outputs: 0 });
    const shown = JSON.parse((await hebb("inspect", file, "--json")).stdout) as {
      arrays: { name: string }[];
      kind: string;
    };
    expect(shown.kind).toBe(kind);
    expect(shown.arrays.map(({ name }) => name)).toContain("0.weight");
    expect((await hebb("inspect", file)).stdout).toMatch(/6 arrays, 2,499 values, 10\.0 KB in memory/);
    const imported = await hebb("import", file, "--out", `from-${kind}`);
    expect(imported.stderr).toBe("");
    expect(imported.code).toBe(0);
    const [before, after] = [
      await hebb("predict", "run", "rows.csv"),
      await hebb("predict", `from-${kind}`, "rows.csv"),
    ];
    expect(after.stdout).toBe(before.stdout);
    expect(before.stdout.split("\n").length).toBeGreaterThan(3);
  });
});

test("files are converted between kinds; types that a kind lacks are widened, with a note", async () => {
  copyFileSync(`${golden}all.gguf`, join(folder(), "all.gguf"));
  const { stdout, stderr, code } = await hebb("export", "all.gguf", "--to", "npz");
  expect(stderr).toBe("BF16 became F32, as NumPy archive files do not have that type\n");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^all\.npz: 18 arrays, .*\nread back and compared: largest difference in a value 0\n$/);
  expect(existsSync(join(folder(), "all.npz"))).toBe(true);
});

test("weights without a description are loaded into the network of another run", async () => {
  await hebb("export", "run", "--to", "npz", "--output", "plain.npz");
  const bytes = readFileSync(join(folder(), "plain.npz"));
  // Removes the comment at the end.
  const comment = bytes.readUInt16LE(bytes.lastIndexOf(Buffer.from("PK\x05\x06")) + 20);
  const plain = Buffer.from(bytes.subarray(0, bytes.length - comment));
  plain.writeUInt16LE(0, plain.length - 2);
  writeFileSync(join(folder(), "plain.npz"), plain);
  expect((await hebb("import", "plain.npz", "--out", "none")).stderr).toMatch(
    /name a run of the same network with --like RUN/,
  );
  expect((await hebb("import", "plain.npz", "--like", "run", "--out", "like")).code).toBe(0);
  copyFileSync(`${golden}protocol5.pt`, join(folder(), "other.pt"));
  expect((await hebb("import", "other.pt", "--like", "run", "--out", "other")).stderr).toMatch(/^hebb: .*0\.weight/);
  expect(existsSync(join(folder(), "other"))).toBe(false);
});

test("impossible requests are refused with a message", async () => {
  expect((await hebb("export", "run", "--to", "npx")).stderr).toMatch(/Did you mean "npz"\?/);
  expect((await hebb("export", "nothing", "--to", "module")).stderr).toBe(
    "hebb: there is no run folder or file nothing; check the name\n",
  );
  expect((await hebb("inspect", "nothing.pt")).stderr).toBe(
    "hebb: there is no file nothing.pt; check the name and the folder\n",
  );
  expect((await hebb("inspect", "rows.csv")).stderr).toMatch(
    /^hebb: rows\.csv starts with "sepal_length", and is none of/,
  );
  expect((await hebb("export", "weights.npz", "--to", "npz", "--output", "weights.npz")).stderr).toMatch(
    /is the file to export/,
  );
});
