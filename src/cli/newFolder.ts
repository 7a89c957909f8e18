// The default run folder: named after the data and the time, and unique even if many runs start at once.
import { makeFolder } from "../formats/node.ts";

/** Creates the folder, so that no other process takes the name. */
export function newFolder(name: string, parent = "runs"): string {
  const stamp = new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-");
  const folder = `${parent}/${name.replace(/[^\w.-]/g, "_")}-${stamp}`;
  let free = folder;
  for (let count = 2; !makeFolder(free); count++) free = `${folder}-${count}`;
  return free;
}
