// Checks of layer sizes.
import { ShapeError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";

/** Throws unless sizes are whole numbers of at least 1. */
export function checkSizes(where: string, sizes: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(sizes)) {
    if (!(Number.isInteger(value) && value >= 1))
      throw new ShapeError(`${where}: ${name} must be a whole number of at least 1, got ${describe(value)}`);
  }
}
