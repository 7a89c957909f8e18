// Texts with parts of the page in their gaps: numbers, emphasis, keys, buttons.
import type { ComponentChildren } from "preact";

/** What stands in a gap. */
export type Child = ComponentChildren;

/** The letters and what stands in their gaps, in order: rich`${count} of ${all}`. */
export const rich = (letters: TemplateStringsArray, ...gaps: readonly Child[]): Child[] =>
  letters.flatMap((part, place) => (place < gaps.length ? [part, gaps[place]] : [part]));
