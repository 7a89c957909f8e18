// Serves the Studio, built from the sources or from the package, and opens the browser.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { HebbError } from "../graph/errors.ts";
import type { ServedFiles } from "./localServer.ts";

/** The folder with package.json that this file, bundled or not, belongs to. */
function packageFolder(): string {
  for (const start of [fileURLToPath(import.meta.url), process.argv[1] ?? ""]) {
    for (let folder = dirname(start); folder !== dirname(folder); folder = dirname(folder))
      if (existsSync(join(folder, "package.json"))) return folder;
  }
  throw new HebbError("the Studio's files were not found beside the command; reinstall the package");
}

/** The page: bundled from its sources now, or as built. */
export async function studioFiles(): Promise<ServedFiles> {
  const root = packageFolder();
  if (existsSync(join(root, "studio/page/main.tsx"))) {
    // The path is computed at run time, so that no bundler includes it.
    const { bundleStudio } = (await import(pathToFileURL(join(root, "scripts/studio.mjs")).href)) as {
      bundleStudio: () => Promise<{ files: ServedFiles }>;
    };
    return (await bundleStudio()).files;
  }
  const built = join(root, "dist/studio");
  if (!existsSync(built)) throw new HebbError(`${built} does not exist; build the Studio with npm run build:studio`);
  return new Map(readdirSync(built).map((name) => [name, readFileSync(join(built, name))]));
}

/** Opens an address in the browser. Returns whether there is one. */
export function openBrowser(address: string): boolean {
  const { env, platform } = process;
  if (env["CI"] === "true" || env["HEBB_BROWSER"] === "none") return false;
  const [command, ...args] =
    platform === "darwin"
      ? ["open", address]
      : platform === "win32"
        ? ["cmd", "/c", "start", "", address]
        : ["xdg-open", address];
  if (platform === "linux" && env["DISPLAY"] === undefined && env["WAYLAND_DISPLAY"] === undefined) return false;
  if (command === undefined) return false;
  const child = spawn(command, args, { stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
  return true;
}
