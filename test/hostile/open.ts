// Opens each named file, reads all of it and reports the result. Runs in a separate process, to measure its memory and time.
import { openFile } from "../../src/formats/node.ts";

/** One line of the output. */
export interface Outcome {
  readonly path: string;
  /** CPU time, because other load on the machine is not the file's fault. */
  readonly ms: number;
  readonly error: string;
  readonly message: string;
  /** The peak memory of the process so far, in bytes. */
  readonly memory: number;
}

/** The number of arrays in a file, all of which are read. */
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

// The first file is a good one that needs an optional package: loading that takes time which is not a hostile file's fault.
if (process.argv[2] === "--open")
  for (const path of process.argv.slice(3)) console.log(JSON.stringify(await outcomeOf(path)));
