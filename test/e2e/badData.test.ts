// Malformed files: every loader, and the command, answers with one message that names the file, in bounded time and memory.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HebbError } from "../../src/graph/errors.ts";
import { prepare } from "../../src/run/prepare.ts";
import { read } from "../../src/run/read.ts";
import { removeFolder } from "../suite/removeFolder.ts";
import { badFiles, writeBad } from "./badFiles.ts";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();
const root = mkdtempSync(join(tmpdir(), "hebb-bad-"));
// The command stays within this, whatever sizes a file claims.
const heap = 192;
beforeAll(() => {
  process.env["NODE_OPTIONS"] = `--max-old-space-size=${heap}`;
});
afterAll(() => removeFolder(root));

test("there are at least sixty", () => expect(badFiles.length).toBeGreaterThanOrEqual(60));

describe("the loaders", () => {
  test.each(badFiles.map((bad, place) => [bad.what, bad, place] as const))(
    "%s",
    async (_, bad, place) => {
      const { path, labels } = writeBad(root, bad, place);
      const { target, says } = bad;
      const load = async (): Promise<unknown> =>
        prepare(await read(path, { target, labels, needLabels: true, form: "whole" }), {
          validation: 0.2,
          fold: null,
          seed: 0,
          columns: {},
          text: null,
        });
      let thrown: unknown;
      try {
        await load();
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(HebbError);
      const said = thrown instanceof Error ? thrown.message : "";
      expect(said).toMatch(says);
      const names = bad.path === undefined ? Object.keys(bad.files).map((name) => basename(name)) : [`bad-${place}`];
      expect(names.some((name) => said.includes(name))).toBe(true);
      expect(said.length).toBeLessThan(500 + 4 * path.length);
      expect(said).not.toContain("\n");
    },
    20_000,
  );
});

describe("the command", () => {
  // Every third case, and all cases that try to fill memory.
  const some = badFiles
    .map((bad, place) => ({ bad, place }))
    .filter(({ bad, place }) => place % 3 === 0 || /bomb|billions|megabytes|bounds|enormous|endless/.test(bad.what));

  test.each(some.map(({ bad, place }) => [bad.what, bad, place] as const))("%s", async (_, bad, place) => {
    const { path, labels } = writeBad(folder(), bad, place);
    const args = [
      "train",
      path,
      ...(bad.target === undefined ? [] : ["--target", bad.target]),
      ...(labels === undefined ? [] : ["--labels", labels]),
    ];
    const { code, signal, stdout, stderr } = await hebb(...args, "--epochs", "1", "--threads", "1");
    expect(stderr).toMatch(bad.says);
    expect(stderr).not.toMatch(/\n\s+at |TypeError|RangeError|node:internal|heap out of memory/);
    expect(stderr.trim().split("\n").length).toBe(1);
    expect(stdout).toBe("");
    expect([code, signal]).toEqual([1, null]);
    expect(readdirSync(folder())).not.toContain("runs");
  });
});

describe("paths", () => {
  const options = { needLabels: true, target: "y", form: "auto" } as const;
  test.each<[string, string, RegExp]>([
    ["a device", "/dev/zero", /\/dev\/zero is not a regular file; copy the data into one/],
    ["a name with a zero byte", "a\0b.csv", /does not exist/],
    ["a very long name", "x".repeat(5000), /does not exist/],
    ["a name that leads out and back in", "../../../../../../nowhere/../gone.csv", /gone\.csv does not exist/],
    ["nothing", "", /does not exist/],
  ])("%s", async (_, path, message) => {
    await expect(read(path, options)).rejects.toThrow(HebbError);
    await expect(read(path, options)).rejects.toThrow(message);
  });

  test("a pipe is refused without waiting", async () => {
    const pipe = join(root, "pipe.csv");
    execFileSync("mkfifo", [pipe]);
    await expect(read(pipe, options)).rejects.toThrow(/pipe\.csv is not a regular file/);
    expect(existsSync(pipe)).toBe(true);
  });
});

describe("texts", () => {
  test.each<[string, string | Uint8Array, RegExp]>([
    ["an empty text", "", /text\.txt holds no text/],
    ["a text of blanks", " \n ", /text\.txt holds no text/],
    ["a text that is too short", "hello", /text\.txt: the training part has \d+ tokens, too few for a context/],
    ["bytes that are not text", Uint8Array.of(0x61, 0xff, 0xfe, 0x02), /text\.txt is not UTF-8 text/],
  ])("%s", async (what, content, says) => {
    const { path } = writeBad(folder(), { what, files: { "text.txt": content }, says }, 900 + what.length);
    const { code, stdout, stderr } = await hebb("train", path, "--model", "gpt", "--epochs", "1", "--threads", "1");
    expect(stderr).toMatch(says);
    expect(stderr.trim().split("\n").length).toBe(1);
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });
});
