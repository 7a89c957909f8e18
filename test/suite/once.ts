// Builds something once for all test files that need it: the first worker builds, the others wait.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const folderVariable = "HEBB_TEST_FOLDER";

/** The folder filled by `build`, in this worker or in another one. */
export async function builtOnce(name: string, build: (folder: string) => Promise<void>): Promise<string> {
  const parent = process.env[folderVariable];
  if (parent === undefined) throw new Error(`${folderVariable} is not set: vitest.config.ts names what sets it`);
  const built = join(parent, name);
  const failure = `${built}.failure`;
  if (isFirst(`${built}.begun`)) {
    const unfinished = `${built}.unfinished`;
    mkdirSync(unfinished);
    try {
      await build(unfinished);
    } catch (error) {
      writeFileSync(failure, `${name} cannot be built: ${error instanceof Error ? error.message : String(error)}`);
      throw error;
    }
    renameSync(unfinished, built);
  }
  while (!existsSync(built)) {
    if (existsSync(failure)) throw new Error(readFileSync(failure, "utf8"));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return built;
}

/** mkdir succeeds in exactly one process. */
function isFirst(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
