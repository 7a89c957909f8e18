// Whether a path is a hebb run folder: other models have a config.json too.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { entryAt } from "../data/inputFile.ts";

export async function isRunFolder(path: string): Promise<boolean> {
  if ((await entryAt(path)).kind !== "folder") return false;
  try {
    return /"format"\s*:\s*"hebb-run"/.test(await readFile(join(path, "config.json"), "utf8"));
  } catch {
    // Opening it as a run gives the error.
    return false;
  }
}
