// The packed library in the hosts that people use: module systems, test runners, bundlers, runtimes.   usage: hosts.mjs [NAME ...]
// Each host is a row of hosts/table.mjs. A host whose packages are not available from npm here is named and skipped.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hosts } from "./hosts/table.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "hebb-hosts-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true, maxRetries: 20 }));

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !hosts.some((host) => host.name === name));
if (unknown.length > 0) {
  console.error(`no host is called ${unknown.join(", ")}; there are ${hosts.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
const chosen = hosts.filter(({ name }) => wanted.length === 0 || wanted.includes(name));

const npm = (folder, ...args) =>
  spawnSync("npm", [...args, "--silent", "--no-audit", "--no-fund", "--fetch-retries=1"], {
    cwd: folder,
    encoding: "utf8",
  });
const tarball = execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", work], {
  cwd: root,
  encoding: "utf8",
})
  .trim()
  .split("\n")
  .at(-1);

/** Why a host fails, or undefined. */
function failureOf({ files, commands, environment = {} }, folder) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const {
    run: [command, ...args],
    says,
  } of commands) {
    const { status, stdout, stderr, error } = spawnSync(command, args, {
      cwd: folder,
      encoding: "utf8",
      timeout: 240_000,
      maxBuffer: 1 << 26,
      env: { ...process.env, ...environment, PATH: `${join(project, "node_modules/.bin")}:${process.env.PATH}` },
    });
    const said = `${stdout}\n${stderr}`;
    const ended = error === undefined ? `exit ${status}` : String(error);
    if (status !== 0) return `${command} ${args.join(" ")}: ${ended}\n${said.slice(-3000)}`;
    if (says !== undefined && !says.test(said))
      return `${command} ${args.join(" ")}: does not say ${says}\n${said.slice(-3000)}`;
  }
  return undefined;
}

const project = join(work, "project");
mkdirSync(project);
writeFileSync(join(project, "package.json"), JSON.stringify({ name: "hosts", private: true }));
const install = (packages) => npm(project, "install", join(work, tarball), ...packages);

/** Why the packages of a host cannot be installed, or undefined. */
const together = install(chosen.flatMap(({ packages }) => packages)).status === 0;
const missing = ({ packages }) => {
  const { status, stderr } = together ? { status: 0 } : install(packages);
  return status === 0 ? undefined : stderr.trim().split("\n")[0];
};

let [passed, failed] = [0, 0];
for (const host of chosen) {
  const reason = missing(host);
  if (reason !== undefined) {
    console.log(`not tried  ${host.name}: ${host.packages.join(", ")} cannot be installed: ${reason}`);
    continue;
  }
  const folder = join(project, host.name.replace(/\W+/g, "-"));
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "host", private: true, ...host.package }));
  const began = performance.now();
  const why = failureOf(host, folder);
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(why === undefined ? `works      ${host.name} (${seconds} s)` : `FAILS      ${host.name}: ${why}`);
  if (why === undefined) passed++;
  else failed++;
}
console.log(`hosts: ${passed} work, ${failed} fail, ${chosen.length - passed - failed} not tried`);
process.exitCode = failed === 0 ? 0 : 1;
