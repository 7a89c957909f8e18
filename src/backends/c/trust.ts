// Folders that code may be loaded from: only the user and root can change their contents or replace them.
import type { Stats } from "node:fs";
import { HebbError } from "../../graph/errors.ts";
import type { NodeModules } from "./node.ts";

const writableByGroup = 0o020;
const writableByAll = 0o002;
/** In a sticky folder, only the owner of a file may rename or remove it. */
const sticky = 0o1000;
const mostLinks = 40;

/** Whether anyone but the owner may write to it. A group with the owner's id has no other members. */
export const othersMayWrite = ({ mode, uid, gid }: Stats): boolean =>
  (mode & writableByAll) !== 0 || ((mode & writableByGroup) !== 0 && gid !== uid);

/** The effective user, whose files are trusted. */
export const ownId = (): number | undefined => process.geteuid?.();

const isTrusted = ({ uid }: Stats): boolean => ownId() === undefined || uid === 0 || uid === ownId();

/**
 * The real path of a folder with this name below `parent`, created for the user alone if it is missing. Every folder on the way must
 * be safe from other users, and every link must belong to the user or root. Throws a HebbError that names the problem.
 */
export function ownFolder(node: NodeModules, parent: string, name: string): string {
  const { fs, path } = node;
  const folder = path.join(safePath(node, path.resolve(parent)), name);
  const stat = statOrMake(node, folder);
  if (stat.isSymbolicLink()) throw new HebbError(`${folder} is a link`);
  if (!stat.isDirectory()) throw new HebbError(`${folder} is not a folder`);
  if (ownId() !== undefined && stat.uid !== ownId()) throw new HebbError(`${folder} belongs to another user`);
  if (othersMayWrite(stat)) throw new HebbError(`others may write to ${folder}`);
  fs.accessSync(folder, fs.constants.W_OK | fs.constants.X_OK);
  return folder;
}

/** The real path of a folder, created if missing. */
function safePath(node: NodeModules, asked: string): string {
  const { fs, path } = node;
  const { root } = path.parse(asked);
  const names = (text: string): string[] => text.split(path.sep).filter((name) => name !== "" && name !== ".");
  const rest = names(asked.slice(root.length));
  let at = root;
  let links = 0;
  checkFolder(at, fs.lstatSync(at));
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === "..") {
      at = path.dirname(at);
      continue;
    }
    const next = path.join(at, name);
    const stat = statOrMake(node, next);
    if (!stat.isSymbolicLink()) {
      checkFolder(next, stat);
      at = next;
      continue;
    }
    if (!isTrusted(stat)) throw new HebbError(`the link ${next} belongs to another user`);
    if (++links > mostLinks) throw new HebbError(`${asked} leads through more than ${mostLinks} links`);
    const target = fs.readlinkSync(next);
    if (path.isAbsolute(target)) at = root;
    rest.unshift(...names(target));
  }
  return at;
}

function checkFolder(folder: string, stat: Stats): void {
  if (!stat.isDirectory()) throw new HebbError(`${folder} is not a folder`);
  if (!isTrusted(stat)) throw new HebbError(`${folder} belongs to another user`);
  if (othersMayWrite(stat) && (stat.mode & sticky) === 0)
    throw new HebbError(`others may write to ${folder}, and replace what is in it (chmod go-w, or +t, prevents it)`);
}

function statOrMake({ fs }: NodeModules, folder: string): Stats {
  const known = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (known !== undefined) return known;
  try {
    fs.mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process may have created it meanwhile; it is checked like any other folder.
    if (fs.lstatSync(folder, { throwIfNoEntry: false }) === undefined) throw error;
  }
  return fs.lstatSync(folder);
}
