// The log of a run: one event per line, each with its checksum, so that a changed or torn line is skipped and reported.
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync } from "node:fs";
import { saveError, writeAll, writeFileAtomic } from "./atomic.ts";
import { anObject, type JsonObject } from "./json.ts";
import { noFollow, placeOf, type Run, readIn } from "./runFolder.ts";
import { crc32 } from "./zip/crc32.ts";

const name = "events.jsonl";
const maxBytes = 2 ** 31 - 1;
const newline = 10;

const checksum = (bytes: Uint8Array): string => crc32(bytes).toString(16).padStart(8, "0");

/** The last entry of a line, which is the checksum of the line without it. */
const sealPattern = /,?"crc32":"([0-9a-f]{8})"\}$/;

/** NaN and infinities become the texts "NaN", "Infinity" and "-Infinity": events must be able to tell of them. */
function lineOf(event: object): Uint8Array {
  const text = JSON.stringify(event, (_key, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
  );
  const bytes = new TextEncoder().encode(text);
  const sealed = `${text.slice(0, -1)}${text === "{}" ? "" : ","}"crc32":"${checksum(bytes)}"}\n`;
  return new TextEncoder().encode(sealed);
}

/** Appends one event as a line of events.jsonl. A torn last line, left by a crash, is cut off first. */
export function appendEvent(run: Run, event: object): void {
  const { path, stat } = placeOf(run, name);
  try {
    if (stat && stat.size > 0) cutTornLine(path);
    const file = run.operations.open(path, "a");
    try {
      writeAll(file, lineOf(event), run.operations);
    } finally {
      run.operations.close(file);
    }
  } catch (error) {
    throw saveError(path, error);
  }
}

/** Makes the events so far last through a power failure: a checkpoint counts on them. */
export function syncEvents(run: Run): void {
  const { path, stat } = placeOf(run, name);
  if (stat === undefined) return;
  try {
    const file = run.operations.open(path, "r");
    try {
      run.operations.sync(file);
    } finally {
      run.operations.close(file);
    }
  } catch (error) {
    throw saveError(path, error);
  }
}

/** Cuts off what follows the last line break. */
function cutTornLine(path: string): void {
  const file = openSync(path, constants.O_RDWR | noFollow);
  try {
    const { size } = fstatSync(file);
    const end = lineEnd(file, size);
    if (end < size) ftruncateSync(file, end);
  } finally {
    closeSync(file);
  }
}

const piece = new Uint8Array(4096);

/** Where the last whole line of a file ends. */
function lineEnd(file: number, size: number): number {
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - piece.length);
    // The system may give less than was asked for.
    for (let read = 0; read < end - start; ) {
      const more = readSync(file, piece, read, end - start - read, start + read);
      if (more === 0) throw new Error("the file became shorter while it was read");
      read += more;
    }
    const at = piece.subarray(0, end - start).lastIndexOf(newline);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}

interface Line {
  readonly bytes: Uint8Array;
  /** Undefined where the line is damaged. */
  readonly event: JsonObject | undefined;
}

function linesIn(run: Run): Line[] {
  if (placeOf(run, name).stat === undefined) return [];
  const bytes = Buffer.from(readIn(run, maxBytes, name));
  const lines: Line[] = [];
  let sealed = false;
  // What follows the last line break is torn, or nothing.
  for (let start = 0, end = bytes.indexOf(newline); end >= 0; start = end + 1, end = bytes.indexOf(newline, start)) {
    const text = bytes.subarray(start, end);
    const event = sealedEvent(text) ?? (sealed ? undefined : unsealedEvent(text));
    sealed ||= sealPattern.test(text.toString("latin1"));
    lines.push({ bytes: bytes.subarray(start, end + 1), event });
  }
  return lines;
}

/** Lines of earlier versions have no checksum, and come before all that have one. A damaged checksum does not count as missing. */
function unsealedEvent(line: Buffer): JsonObject | undefined {
  const event = parse(line);
  const [key, value] = Object.entries(event ?? {}).at(-1) ?? [];
  return key === "crc32" || (typeof value === "string" && value.length === 8) ? undefined : event;
}

function sealedEvent(line: Buffer): JsonObject | undefined {
  const seal = sealPattern.exec(line.toString("latin1"));
  if (seal === null) return undefined;
  const plain = Buffer.concat([line.subarray(0, seal.index), Buffer.from("}")]);
  return checksum(plain) === seal[1] ? parse(plain) : undefined;
}

function parse(line: Buffer): JsonObject | undefined {
  try {
    return anObject(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(line)), name);
  } catch {
    return undefined;
  }
}

export interface ReadEvents {
  readonly events: readonly JsonObject[];
  readonly warnings: readonly string[];
}

function readFrom(lines: readonly Line[], path: string): ReadEvents {
  return {
    events: lines.flatMap(({ event }) => (event === undefined ? [] : [event])),
    warnings: lines.flatMap(({ event }, place) =>
      event === undefined ? [`${path}, line ${place + 1} is not an event and is left out; the file was damaged`] : [],
    ),
  };
}

/** All events of the run. A torn last line is passed over silently (a crash may leave one), any other bad line with a warning. */
export const readEvents = (run: Run): ReadEvents => readFrom(linesIn(run), placeOf(run, name).path);

/**
 * Keeps the first `count` lines of events.jsonl, those that are whole: a resumed run tells again what came after its checkpoint.
 * Returns what is kept, with a warning for each line that is damaged and for those that are missing.
 */
export function truncateEvents(run: Run, count: number): ReadEvents {
  const { path, stat } = placeOf(run, name);
  const lines = linesIn(run).slice(0, count);
  const kept = readFrom(lines, path);
  const missing = count - lines.length;
  if (stat !== undefined || count > 0) {
    const whole = lines.flatMap(({ bytes, event }) => (event === undefined ? [] : [bytes]));
    // A new file, so that nothing is cut before the rest is safe.
    writeFileAtomic(path, Buffer.concat(whole), run.operations);
  }
  if (missing <= 0) return kept;
  const told = `${path} lacks the last ${missing} of ${count} events before this point; the log continues without them`;
  return { events: kept.events, warnings: [...kept.warnings, told] };
}
