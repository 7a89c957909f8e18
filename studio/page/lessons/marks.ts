// What was done or answered rightly in a lesson, by name.
import { signal } from "@preact/signals";

/** Tasks that were fulfilled once, as `taskCode` names them. */
export const fulfilled = signal<ReadonlySet<string>>(new Set());

export const marks = signal<ReadonlySet<string>>(new Set());

export function mark(name: string): void {
  if (!marks.value.has(name)) marks.value = new Set([...marks.value, name]);
}
