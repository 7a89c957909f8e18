// Results as data: one case is a workload on a number of threads, with a figure for each peer.
import { existsSync, readFileSync, writeFileSync } from "node:fs";

export interface Figure {
  readonly peer: string;
  readonly version?: string;
  /** Seconds of one step: the median, the fastest and the slowest repetition. */
  readonly median?: number;
  readonly min?: number;
  readonly max?: number;
  readonly repetitions?: number;
  /** Loss after ten steps, or a checksum of the output: all peers must agree. */
  readonly check?: number | null;
  readonly peakMB?: number | null;
  readonly error?: string;
}

export interface Case {
  readonly workload: string;
  readonly threads: number;
  readonly date: string;
  /** Load averages of the machine before and after. */
  readonly load: readonly [number, number];
  readonly figures: readonly Figure[];
}

export interface MemorySample {
  readonly step: number;
  readonly heapMB: number;
  readonly externalMB: number;
  readonly deviceMB: number;
  readonly residentMB: number;
}

export interface Results {
  readonly machine: string;
  readonly cases: readonly Case[];
  readonly memory?: Readonly<Record<string, readonly MemorySample[]>>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function readResults(file: string): Results | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Results) : undefined;
}

/** The old results with the newly measured cases in their place. */
export function merge(old: Results | undefined, fresh: Results): Results {
  const key = (c: Case): string => `${c.workload} ${c.threads}`;
  const cases = new Map((old?.cases ?? []).map((c) => [key(c), c]));
  for (const c of fresh.cases) cases.set(key(c), c);
  const memory = fresh.memory ?? old?.memory;
  return { machine: fresh.machine, cases: [...cases.values()], ...(memory === undefined ? {} : { memory }) };
}

export const writeResults = (file: string, results: Results): void =>
  writeFileSync(
    file,
    `${JSON.stringify(results, (_, v) => (typeof v === "number" ? Number(v.toPrecision(6)) : v), 1)}\n`,
  );
