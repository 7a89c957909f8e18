// hebb studio and the static build: served on 127.0.0.1 alone, with a table or a run, and from any folder.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { parseHash } from "../../studio/shared/state.ts";
import { removeFolder } from "../suite/removeFolder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "hebb-studio-command-"));
const running: ChildProcess[] = [];
afterAll(() => {
  for (const child of running) child.kill();
  removeFolder(folder);
});

const script = (entry: string): string[] => [join(root, "scripts/run.mjs"), join(root, entry)];

/** The first matching line of the command's output. */
function firstLine(
  entry: string,
  args: readonly string[],
  pattern: RegExp,
  env: Record<string, string> = {},
): Promise<string> {
  const child = spawn(process.execPath, [...script(entry), ...args], {
    cwd: folder,
    env: { ...process.env, HEBB_BROWSER: "none", ...env },
  });
  running.push(child);
  return new Promise((resolve, reject) => {
    let text = "";
    const read = (part: Buffer): void => {
      text += part.toString();
      const line = text.split("\n").find((one) => pattern.test(one));
      if (line !== undefined) resolve(line);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", (code) => reject(new Error(`ended with ${code}: ${text}`)));
  });
}

const addressIn = (line: string): URL => new URL((JSON.parse(line) as { address: string }).address);

describe("hebb studio", () => {
  it("serves the page on 127.0.0.1, with the headers for threads", async () => {
    const address = addressIn(await firstLine("src/cli/main.ts", ["studio", "--json", "--no-open"], /^\{/));
    expect(address.hostname).toBe("127.0.0.1");
    const page = await fetch(address);
    expect(page.headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(await page.text()).toContain("hebb Studio");
    for (const name of ["studio.js", "studio.css", "worker.js"])
      expect((await fetch(new URL(name, address))).status).toBe(200);
    for (const name of ["../package.json", "%2e%2e/package.json", "nothing.js"])
      expect((await fetch(new URL(name, address))).status).toBe(404);
    expect((await fetch(address, { method: "POST" })).status).toBe(404);
  });
  it("opens with a table", async () => {
    writeFileSync(join(folder, "my table.csv"), "a,b\n1,x\n2,y\n");
    const address = addressIn(
      await firstLine("src/cli/main.ts", ["studio", "my table.csv", "--target", "b", "--json", "--no-open"], /^\{/),
    );
    expect(address.searchParams.get("table")).toBe("my table.csv");
    expect(address.searchParams.get("target")).toBe("b");
    expect(await (await fetch(new URL("table.csv", address))).text()).toContain("2,y");
  });
  it("opens with a table in another encoding or another format", async () => {
    writeFileSync(join(folder, "latin.csv"), Buffer.from("größe;y\n1,5;ja\n2,5;nein\n", "latin1"));
    writeFileSync(join(folder, "lines.jsonl"), '{"a": 1, "b": "x, y"}\n{"a": 2, "b": null}\n');
    const served = async (name: string): Promise<string> => {
      const line = await firstLine("src/cli/main.ts", ["studio", name, "--json", "--no-open"], /^\{/);
      return (await fetch(new URL("table.csv", addressIn(line)))).text();
    };
    expect(await served("latin.csv")).toBe("größe;y\n1,5;ja\n2,5;nein\n");
    expect(await served("lines.jsonl")).toBe('a,b\n1,"x, y"\n2,\n');
  });
  it("opens with a run's settings", async () => {
    execFileSync(
      process.execPath,
      [
        ...script("src/cli/main.ts"),
        "train",
        "moons",
        "--hidden",
        "6,4",
        "--activation",
        "tanh",
        "--epochs",
        "2",
        "--out",
        "run",
      ],
      { cwd: folder, stdio: "pipe" },
    );
    const address = addressIn(await firstLine("src/cli/main.ts", ["studio", "run", "--json", "--no-open"], /^\{/));
    const state = parseHash(address.hash);
    expect(state.data).toBe("own");
    expect(state.target).toBe("class");
    for (const name of ["table.csv", "run.json", "weights.safetensors"])
      expect((await fetch(new URL(name, address))).status).toBe(200);
    expect(state.layers.map(({ units, activation }) => `${units} ${activation}`)).toEqual(["6 tanh", "4 tanh"]);
  });
  it("reports what is wrong with its input", async () => {
    for (const [source, said] of [
      ["nothing.csv", /nothing\.csv does not exist/],
      [".", /is not a run folder/],
    ] as const)
      await expect(firstLine("src/cli/main.ts", ["studio", source, "--no-open"], /address/)).rejects.toThrow(said);
  });
  it("npm start prints the address", async () => {
    const line = await firstLine("src/cli/start.ts", [], /^hebb Studio: /, { CI: "" });
    const address = line.split(" ").at(-1) ?? "";
    expect((await fetch(address)).status).toBe(200);
  });
});

describe("the static build", () => {
  it("names every file by a relative address", () => {
    const out = join(folder, "static");
    const said = execFileSync(process.execPath, [join(root, "scripts/studio.mjs"), out], { encoding: "utf8" });
    expect(said).toMatch(/JavaScript at first \d+\.\d KB gzip/);
    expect(readdirSync(out)).toEqual(expect.arrayContaining(["index.html", "studio.css", "studio.js", "worker.js"]));
    expect(readFileSync(join(out, "index.html"), "utf8")).not.toMatch(/(?:src|href)="\//);
  });
});
