// Bad input: one clear message that names the file, the place and the remedy; an exit code; and nothing already saved is lost.
import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();

const rows = (count: number, line: (row: number) => string): string =>
  Array.from({ length: count }, (_, row) => `${line(row)}\n`).join("");

/** An IDX file of bytes: magic, sizes, data. */
function idx(sizes: readonly number[], bytes: number): Buffer {
  const head = Buffer.alloc(4 + 4 * sizes.length);
  head[2] = 8;
  head[3] = sizes.length;
  for (const [place, size] of sizes.entries()) head.writeUInt32BE(size, 4 + 4 * place);
  return Buffer.concat([head, Buffer.from(Uint8Array.from({ length: bytes }, (_, place) => place % 3))]);
}

/** A checksum of everything in a folder. */
function fingerprint(path: string): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(path, { recursive: true, withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    if (name.isFile()) hash.update(name.name).update(readFileSync(join(name.parentPath, name.name)));
  }
  return hash.digest("hex");
}

beforeAll(async () => {
  const write = (name: string, content: string | Buffer): void => writeFileSync(join(folder(), name), content);
  write("good.csv", `a,b,y\n${rows(60, (row) => `${row},${row % 7},${row % 2 === 0 ? "yes" : "no"}`)}`);
  write("ragged.csv", `a,b,y\n1,2,yes\n3,no\n${rows(20, (row) => `${row},1,no`)}`);
  write("empty.csv", "");
  write("header.csv", "a,b,y\n");
  write("one.csv", `a,y\n${rows(30, (row) => `${row},yes`)}`);
  write("words.csv", `a,price\n${rows(50, (row) => `${row},${row === 20 ? "dear" : row * 1.37 + 0.11}`)}`);
  write("othercolumns.csv", `p,q\n${rows(10, () => "1,2")}`);
  write("text-in-number.csv", "a,b\n1,2\nmany,3\n");
  write("truncated-images", idx([10, 4, 4], 100));
  write("truncated.gz", gzipSync(idx([10, 4, 4], 160)).subarray(0, 30));
  write("digits", idx([10, 4, 4], 160));
  write("labels", idx([10], 10));
  write("short-labels", idx([9], 9));
  write("maybe.csv", "a,b,y\n1,2,yes\n1,3,maybe\n");
  write("without-a.csv", "b,y\n1,yes\n");
  write("other-images", idx([10, 5, 5], 250));
  const trained = await hebb("train", "good.csv", "--target", "y", "--epochs", "2", "--out", "run", "--threads", "1");
  expect(trained.stderr).toBe("");
  const pictures = await hebb(
    "train",
    "digits",
    "--labels",
    "labels",
    "--epochs",
    "1",
    "--validation",
    "0",
    "--out",
    "pictures",
    "--threads",
    "1",
  );
  expect(pictures.stderr).toBe("");
  const damage = (copy: string, file: string, change: (bytes: Buffer) => Buffer): void => {
    cpSync(join(folder(), "run"), join(folder(), copy), { recursive: true });
    writeFileSync(join(folder(), copy, file), change(readFileSync(join(folder(), copy, file))));
  };
  damage("flipped", "model.safetensors", (bytes) => {
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 4;
    return bytes;
  });
  damage("edited", "config.json", (bytes) => Buffer.from(bytes.toString().replace("adamw", "sgd")));
  damage("halved", "preprocessing.json", (bytes) => bytes.subarray(0, bytes.length >> 1));
});

interface Case {
  readonly what: string;
  readonly args: readonly string[];
  readonly code: 1 | 2;
  /** What the message must name. */
  readonly says: readonly RegExp[];
}

const cases: readonly Case[] = [
  {
    what: "a missing file",
    args: ["train", "absent.csv", "--target", "y"],
    code: 1,
    says: [/absent\.csv/, /does not exist|no file/],
  },
  {
    what: "a misspelt file",
    args: ["train", "god.csv", "--target", "y"],
    code: 1,
    says: [/god\.csv does not exist; check the name — did you mean "good\.csv"/],
  },
  { what: "a file in a folder that is absent", args: ["train", "no/x.csv"], code: 1, says: [/there is no folder no/] },
  { what: "an invalid port", args: ["studio", "--port", "99999"], code: 2, says: [/99999/, /up to 65535/] },
  {
    what: "a column of a folder",
    args: ["train", ".", "--target", "y"],
    code: 1,
    says: [/is a folder/, /name a table/],
  },
  { what: "a misspelt built-in problem", args: ["train", "monns"], code: 1, says: [/did you mean "moons"/] },
  { what: "no target", args: ["train", "good.csv"], code: 1, says: [/good\.csv/, /--target/, /a, b, y/] },
  {
    what: "a target that is not a column",
    args: ["train", "good.csv", "--target", "z"],
    code: 1,
    says: [/good\.csv/, /"z"/, /a, b, y/],
  },
  { what: "a ragged table", args: ["train", "ragged.csv", "--target", "y"], code: 1, says: [/ragged\.csv/, /\b3\b/] },
  { what: "an empty table", args: ["train", "empty.csv", "--target", "y"], code: 1, says: [/empty\.csv/] },
  {
    what: "a table with a header only",
    args: ["train", "header.csv", "--target", "y"],
    code: 1,
    says: [/header\.csv/, /no rows/],
  },
  {
    what: "a target with one value",
    args: ["train", "one.csv", "--target", "y"],
    code: 1,
    says: [/one\.csv/, /"yes" in every row/],
  },
  {
    what: "a word among numbers to predict",
    args: ["train", "words.csv", "--target", "price"],
    code: 1,
    says: [/words\.csv/, /"dear"/, /row 21/],
  },
  {
    what: "a truncated IDX file",
    args: ["train", "truncated-images", "--labels", "labels"],
    code: 1,
    says: [/truncated-images/],
  },
  {
    what: "a truncated gzip file",
    args: ["train", "truncated.gz", "--labels", "labels"],
    code: 1,
    says: [/truncated\.gz/],
  },
  { what: "images without labels", args: ["train", "digits"], code: 1, says: [/digits/, /--labels/] },
  {
    what: "fewer labels than images",
    args: ["train", "digits", "--labels", "short-labels"],
    code: 1,
    says: [/short-labels/, /\b10\b/, /\b9\b/],
  },
  { what: "an unknown flag", args: ["train", "moons", "--hiden", "4"], code: 2, says: [/--hiden/, /--hidden/] },
  { what: "an unknown command", args: ["trian", "moons"], code: 2, says: [/trian/, /train/] },
  {
    what: "an unknown activation",
    args: ["train", "moons", "--activation", "rellu"],
    code: 2,
    says: [/rellu/, /"relu"/],
  },
  {
    what: "an unknown model",
    args: ["train", "moons", "--model", "cnnn"],
    code: 2,
    says: [/mlp, cnn, perceptron/, /"cnn"/],
  },
  { what: "an unknown loss", args: ["train", "moons", "--loss", "crossentropy"], code: 2, says: [/"crossEntropy"/] },
  {
    what: "a hidden layer without units",
    args: ["train", "moons", "--hidden", "8,0"],
    code: 2,
    says: [/8,0/, /at least 1/],
  },
  {
    what: "a learning rate that is not a number",
    args: ["train", "moons", "--lr", "fast"],
    code: 2,
    says: [/fast/, /above 0/],
  },
  {
    what: "a convolutional network for a table",
    args: ["train", "moons", "--model", "cnn"],
    code: 1,
    says: [/cnn/, /mlp/],
  },
  {
    what: "a loss for classes on a number",
    args: ["train", "curve", "--loss", "crossEntropy"],
    code: 1,
    says: [/crossEntropy/, /mse/],
  },
  { what: "a perceptron for three classes", args: ["train", "iris", "--model", "perceptron"], code: 1, says: [/mlp/] },
  {
    what: "a folder in use",
    args: ["train", "moons", "--out", "run"],
    code: 1,
    says: [/run/, /not empty/, /another folder/],
  },
  { what: "a missing run", args: ["evaluate", "nowhere", "good.csv"], code: 1, says: [/nowhere/, /run folder/] },
  {
    what: "columns unknown to the run",
    args: ["predict", "run", "othercolumns.csv"],
    code: 1,
    says: [/othercolumns\.csv/, /"a"/],
  },
  {
    what: "a word where the run has numbers",
    args: ["predict", "run", "text-in-number.csv"],
    code: 1,
    says: [/text-in-number\.csv/, /"many"/, /\b2\b/],
  },
  {
    what: "images of another size",
    args: ["predict", "pictures", "other-images"],
    code: 1,
    says: [/other-images/, /5/, /4/],
  },
  {
    what: "a table for a run of images",
    args: ["predict", "pictures", "good.csv"],
    code: 1,
    says: [/images/, /table/],
  },
  {
    what: "a folder for the output",
    args: ["predict", "run", "good.csv", "--out", "run/"],
    code: 1,
    says: [/run\/ is a folder; name a file/],
  },
  {
    what: "the data for the output",
    args: ["predict", "run", "good.csv", "--out", "./good.csv"],
    code: 1,
    says: [/good\.csv is the data file itself/],
  },
  {
    what: "a folder for the output that is absent",
    args: ["predict", "run", "good.csv", "--out", "no/such/out.csv"],
    code: 1,
    says: [/no\/such/],
  },
];

/** Choices that no command accepts, and files that do not match. */
const choices: readonly Case[] = [
  {
    what: "a near miss of a target",
    args: ["train", "good.csv", "--target", "Y1"],
    code: 1,
    says: [/did you mean "y"/],
  },
  {
    what: "an unknown backend",
    args: ["train", "moons", "--backend", "cuda"],
    code: 2,
    says: [/cuda/, /auto, c, wasm/],
  },
  { what: "an unknown optimizer", args: ["train", "moons", "--optimizer", "admw"], code: 2, says: [/"adamw"/] },
  { what: "words for hidden layers", args: ["train", "moons", "--hidden", "abc"], code: 2, says: [/abc/, /64,32/] },
  { what: "a learning rate below 0", args: ["train", "moons", "--lr", "-1"], code: 2, says: [/-1/, /above 0/] },
  { what: "no epochs", args: ["train", "moons", "--epochs", "0"], code: 2, says: [/--epochs/, /at least 1/] },
  { what: "everything held out", args: ["train", "moons", "--validation", "1"], code: 2, says: [/below 1/] },
  { what: "no threads", args: ["train", "moons", "--threads", "0"], code: 2, says: [/--threads/, /at least 1/] },
  { what: "no data", args: ["train"], code: 2, says: [/data/] },
  { what: "two data", args: ["train", "moons", "circles"], code: 2, says: [/too many arguments/] },
  {
    what: "labels for a table",
    args: ["train", "good.csv", "--target", "y", "--labels", "labels"],
    code: 1,
    says: [/good\.csv/, /table/, /leave out/],
  },
  { what: "a column for images", args: ["train", "digits", "--target", "y"], code: 1, says: [/digits/, /--labels/] },
  { what: "images for labels", args: ["train", "digits", "--labels", "digits"], code: 1, says: [/digits/, /swap/] },
  { what: "absent labels", args: ["train", "digits", "--labels", "gone"], code: 1, says: [/no file gone/] },
  {
    what: "absent test data, reported before training",
    args: ["train", "good.csv", "--target", "y", "--test-data", "gone.csv"],
    code: 1,
    says: [/gone\.csv/, /does not exist/],
  },
  {
    what: "test labels without test data",
    args: ["train", "moons", "--test-labels", "labels"],
    code: 1,
    says: [/--test-data/],
  },
  { what: "a folder for data", args: ["train", "run"], code: 1, says: [/run is a folder/, /config\.json/] },
  {
    what: "a class unknown to the run",
    args: ["evaluate", "run", "maybe.csv"],
    code: 1,
    says: [/maybe\.csv/, /"maybe"/, /row 2/, /no, yes/],
  },
  {
    what: "nothing to compare with",
    args: ["evaluate", "run", "text-in-number.csv"],
    code: 1,
    says: [/text-in-number\.csv/, /"y"/, /predict/],
  },
  {
    what: "images for a run of a table",
    args: ["predict", "run", "digits"],
    code: 1,
    says: [/table/, /images/],
  },
  {
    what: "a column that is missing",
    args: ["predict", "run", "without-a.csv"],
    code: 1,
    says: [/without-a\.csv/, /"a"/, /add it/],
  },
  { what: "a missing run to resume", args: ["resume", "nowhere"], code: 1, says: [/no run folder nowhere/] },
  { what: "a file for a run", args: ["doctor", "good.csv"], code: 1, says: [/good\.csv/, /folder/] },
  {
    what: "a flipped bit in the weights",
    args: ["predict", "flipped", "good.csv"],
    code: 1,
    says: [/model\.safetensors/, /damaged/],
  },
  {
    what: "an edited configuration",
    args: ["evaluate", "edited", "good.csv"],
    code: 1,
    says: [/config\.json/, /damaged/],
  },
  {
    what: "half a preprocessing",
    args: ["predict", "halved", "good.csv"],
    code: 1,
    says: [/preprocessing\.json/, /damaged/],
  },
];

describe("bad input", () => {
  test.each([...cases, ...choices])("$what", async ({ args, code, says }) => {
    const before = [fingerprint(join(folder(), "run")), fingerprint(join(folder(), "pictures"))];
    const { code: got, stderr, stdout } = await hebb(...args);
    for (const pattern of says) expect(stderr).toMatch(pattern);
    expect(stderr).not.toMatch(/\n\s+at |TypeError|RangeError|node:internal/);
    expect(stderr.trim().split("\n").length).toBeLessThanOrEqual(code === 2 ? 3 : 1);
    expect(stdout).toBe("");
    expect(got).toBe(code);
    expect([fingerprint(join(folder(), "run")), fingerprint(join(folder(), "pictures"))]).toEqual(before);
    // No partial output remains.
    expect(readdirSync(folder())).not.toContain("runs");
  });
});
