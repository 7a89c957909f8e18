// The number under the pointer or the focus: it is highlighted wherever it appears.
import { signal } from "@preact/signals";

export const lit = signal("");
