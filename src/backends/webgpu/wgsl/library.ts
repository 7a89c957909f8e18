// The library functions that a shader calls, with their dependencies.
import { float32Functions } from "./float32Math.ts";
import { float64Functions } from "./float64.ts";
import { integerFunctions } from "./integers.ts";

const functions: ReadonlyMap<string, string> = new Map(
  [float32Functions, float64Functions, integerFunctions].flatMap((table) => Object.entries(table)),
);

const words = /[A-Za-z_][A-Za-z0-9_]*/g;

/** The declarations that the text refers to, directly or indirectly. WGSL accepts them in any order. */
export function declarationsFor(text: string): string {
  const found = new Map<string, string>();
  const look = (within: string): void => {
    for (const [name] of within.matchAll(words)) {
      const declaration = functions.get(name);
      if (declaration === undefined || found.has(name)) continue;
      found.set(name, declaration);
      look(declaration);
    }
  };
  look(text);
  return [...found.values()].join("\n");
}
