// Builds the documentation site from docs/, the sources and the Studio, and checks its links: npm run docs:site
// usage: node scripts/site.mjs [--base /PATH/] [FOLDER]
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundleStudio } from "./studio.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const site = join(root, "site");
const pages = join(site, ".pages");
const { values, positionals } = parseArgs({
  options: { base: { type: "string", default: "/" } },
  allowPositionals: true,
});
const out = resolve(positionals[0] ?? join(site, "dist"));

/** Runs a program to its end. Its output is printed if it fails. */
function run(command, args, options = {}) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { cwd: site, stdio: ["ignore", "pipe", "pipe"], ...options });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => {
        said += text;
      });
    child.on("error", failed);
    child.on("close", (status) => (status === 0 ? done(said) : failed(new Error(`${args.join(" ")}: ${said.trim()}`))));
  });
}

/** The packages of the site from its lock file, installed here so that the project's own installation stays small. */
async function install() {
  const lock = join(site, "package-lock.json");
  const installed = join(site, "node_modules/.package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  try {
    await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"], {
      shell: process.platform === "win32",
    });
  } catch (error) {
    console.log(
      `the site is not built, its packages cannot be installed: ${/npm error (?!code|errno|syscall|A complete)(.*)/.exec(error.message)?.[1] ?? error.message}`,
    );
    process.exit(process.env.CI ? 0 : 1);
  }
}

/** The source files of the entries of package.json, by their names. */
function entries() {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return Object.values(exports).flatMap((entry) =>
    typeof entry === "string" ? [] : [entry.import.default.replace("./dist/", "../src/").replace(/\.js$/, ".ts")],
  );
}

async function studio() {
  const { files } = await bundleStudio();
  for (const [name, contents] of files) {
    const path = join(pages, "public/studio-app", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents);
  }
}

const start = performance.now();
await install();
rmSync(pages, { recursive: true, force: true, maxRetries: 20 });
mkdirSync(pages, { recursive: true });
const { gather } = await import("../site/build/gather.mjs");
const { writeMessages } = await import("../site/build/messagePages.mjs");
const { writeOverview } = await import("../site/build/reference.mjs");
const sign = join(pages, "sign.svg");
writeFileSync(
  sign,
  decodeURIComponent(/image\/svg\+xml,([^"]*)"/.exec(readFileSync(join(root, "studio/index.html"), "utf8"))[1]),
);
const typedoc = [
  "node_modules/typedoc/bin/typedoc",
  "--out",
  join(pages, "public/reference"),
  "--favicon",
  sign,
  "--entryPoints",
];
const reference = run(process.execPath, [...typedoc, ...entries()], {
  env: { ...process.env, HEBB_SITE_BASE: values.base },
});
const gathered = gather(root, pages);
await Promise.all([reference, studio()]);
const signatures = writeOverview(pages);
const messages = writeMessages(root, pages, signatures);
await run(process.execPath, [
  "node_modules/vitepress/bin/vitepress.js",
  "build",
  "--base",
  values.base,
  "--outDir",
  out,
]);
const { checkLinks } = await import("../site/build/links.mjs");
const { broken, followed, outside } = checkLinks(out, values.base);
for (const line of broken) console.error(line);
console.log(
  `${out}: ${gathered} pages, ${signatures.size} names, ${messages} messages, ${followed} links checked, ${broken.length} broken, ${outside} to other sites; ${((performance.now() - start) / 1000).toFixed(1)} s`,
);
process.exitCode = broken.length === 0 ? 0 : 1;
