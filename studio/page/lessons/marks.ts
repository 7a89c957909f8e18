// The finished actions and right answers of a lesson, by name.
import { signal } from "@preact/signals";

/** Tasks that were once solved, by their names in `taskCode`. */
export const fulfilled = signal<ReadonlySet<string>>(new Set());

export const marks = signal<ReadonlySet<string>>(new Set());

export function mark(name: string): void {
  if (!marks.value.has(name)) marks.value = new Set([...marks.value, name]);
}
