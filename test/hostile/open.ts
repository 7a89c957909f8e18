// Opens each file that is named and reads all that is in it, and tells what came of it: run in a process of its own, to see what it takes.
import { openFile } from "../../src/formats/node.ts";

/** One line of what this prints. */
export interface Outcome {
  readonly path: string;
  /** Of a processor: what else the machine does is nothing that the file does. */
  readonly ms: number;
  readonly error: string;
  readonly message: string;
  /** Largest memory of the process until now, in bytes. */
  readonly memory: number;
}

/** How many arrays a file has, each of them read. */
export async function readAll(path: string): Promise<number> {
  const file = await openFile(path);
  try {
    for (const array of file.arrays.values()) await array.read();
    return file.arrays.size;
  } finally {
    await file.close();
  }
}

async function outcomeOf(path: string): Promise<Outcome> {
  const before = process.cpuUsage();
  let [error, message] = ["none", ""];
  try {
    message = `${await readAll(path)} arrays`;
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.name : "none";
    message = String(thrown);
  }
  const { user, system } = process.cpuUsage(before);
  const { maxRSS } = process.resourceUsage();
  return { path, ms: (user + system) / 1000, error, message: message.slice(0, 300), memory: maxRSS * 1024 };
}

// The first file is a good one that needs an optional package: how long that takes to load is nothing that a hostile file does.
if (process.argv[2] === "--open")
  for (const path of process.argv.slice(3)) console.log(JSON.stringify(await outcomeOf(path)));
