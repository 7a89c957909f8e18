// Serves the Studio on 127.0.0.1: built from the sources where they are, else from the folder that the package brings.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { HebbError } from "../graph/errors.ts";

/** Files by name. */
export type StudioFiles = ReadonlyMap<string, Uint8Array>;

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  csv: "text/csv; charset=utf-8",
};

/** The folder with package.json that this file, bundled or not, belongs to. */
function packageFolder(): string {
  for (const start of [fileURLToPath(import.meta.url), process.argv[1] ?? ""]) {
    for (let folder = dirname(start); folder !== dirname(folder); folder = dirname(folder))
      if (existsSync(join(folder, "package.json"))) return folder;
  }
  throw new HebbError("the Studio's files were not found beside the command; install the package again");
}

/** The page: bundled at once from its sources, or as it was built. */
export async function studioFiles(): Promise<StudioFiles> {
  const root = packageFolder();
  if (existsSync(join(root, "studio/page/main.tsx"))) {
    // The path is made at run time, so that no bundler takes it in.
    const { bundleStudio } = (await import(pathToFileURL(join(root, "scripts/studio.mjs")).href)) as {
      bundleStudio: () => Promise<{ files: StudioFiles }>;
    };
    return (await bundleStudio()).files;
  }
  const built = join(root, "dist/studio");
  if (!existsSync(built)) throw new HebbError(`${built} does not exist; build the Studio with npm run build:studio`);
  return new Map(readdirSync(built).map((name) => [name, readFileSync(join(built, name))]));
}

export interface StudioServer {
  readonly address: string;
  readonly server: Server;
}

/** Serves the files on a free port, or on the one given, with the headers that allow threads. */
export async function serveStudio(files: StudioFiles, port = 0): Promise<StudioServer> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://127.0.0.1").pathname.slice(1);
    const name = path === "" ? "index.html" : path;
    const contents = files.get(name);
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    response.setHeader("Cache-Control", "no-cache");
    if (contents === undefined || (request.method !== "GET" && request.method !== "HEAD"))
      response.writeHead(404).end();
    else
      response
        .writeHead(200, { "Content-Type": types[name.split(".").at(-1) ?? ""] ?? "application/octet-stream" })
        .end(contents);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new HebbError(`port ${port} of 127.0.0.1 is in use; give another with --port, or leave it out`)
          : error,
      ),
    );
    server.listen(port, "127.0.0.1", resolve);
  });
  const bound = server.address();
  const chosen = typeof bound === "object" && bound !== null ? bound.port : port;
  return { address: `http://127.0.0.1:${chosen}/`, server };
}

/** Shows an address in the browser. Returns whether there is one to ask. */
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
