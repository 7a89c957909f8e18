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

/** The last entry of a line: the checksum of the rest of the line. */
const sealPattern = /,?"crc32":"([0-9a-f]{8})"\}$/;

/** NaN and infinities become the texts "NaN", "Infinity" and "-Infinity", because events must be able to report them. */
function lineOf(event: object): Uint8Array {
  const text = JSON.stringify(event, (_key, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
  );
  const bytes = new TextEncoder().encode(text);
  const sealed = `${text.slice(0, -1)}${text === "{}" ? "" : ","}"crc32":"${checksum(bytes)}"}\n`;
  return new TextEncoder().encode(sealed);
}

/** Appends one event as a line of events.jsonl. First removes a torn last line, which a crash may leave. */
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

/** Makes the events so far survive a power failure: a checkpoint relies on them. */
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

/** Truncates everything after the last line break. */
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

/** The end of the last complete line of a file. */
function lineEnd(file: number, size: number): number {
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - piece.length);
    // The system may return fewer bytes than requested.
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
  /** Undefined if the line is damaged. */
  readonly event: JsonObject | undefined;
}

function linesIn(run: Run): Line[] {
  if (placeOf(run, name).stat === undefined) return [];
  const bytes = Buffer.from(readIn(run, maxBytes, name));
  const lines: Line[] = [];
  let sealed = false;
  // Anything after the last line break is torn.
  for (let start = 0, end = bytes.indexOf(newline); end >= 0; start = end + 1, end = bytes.indexOf(newline, start)) {
    const text = bytes.subarray(start, end);
    const event = sealedEvent(text) ?? (sealed ? undefined : unsealedEvent(text));
    sealed ||= sealPattern.test(text.toString("latin1"));
    lines.push({ bytes: bytes.subarray(start, end + 1), event });
  }
  return lines;
}

/** Lines of earlier versions have no checksum, and precede all that have one. A damaged checksum does not count as missing. */
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

/** All events of the run. A torn last line is skipped silently, because a crash may leave one; any other bad line with a warning. */
export const readEvents = (run: Run): ReadEvents => readFrom(linesIn(run), placeOf(run, name).path);

/**
 * Keeps the first `count` intact lines of events.jsonl: a resumed run repeats the events after its checkpoint. Returns the remaining
 * events, with a warning for each damaged line and for missing ones.
 */
export function truncateEvents(run: Run, count: number): ReadEvents {
  const { path, stat } = placeOf(run, name);
  const lines = linesIn(run).slice(0, count);
  const kept = readFrom(lines, path);
  const missing = count - lines.length;
  if (stat !== undefined || count > 0) {
    const whole = lines.flatMap(({ bytes, event }) => (event === undefined ? [] : [bytes]));
    // Writes a new file, so that nothing is lost before the rest is safe.
    writeFileAtomic(path, Buffer.concat(whole), run.operations);
  }
  if (missing <= 0) return kept;
  const told = `${path} lacks the last ${missing} of ${count} events before this point; the log continues without them`;
  return { events: kept.events, warnings: [...kept.warnings, told] };
}
