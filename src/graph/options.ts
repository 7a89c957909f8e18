// Options and choices by name: an unknown name is an error that suggests the nearest valid one. No option is silently ignored.
import { HebbError } from "./errors.ts";
import { describe, type Kind } from "./kinds.ts";
import { nearest } from "./nearest.ts";

/** The kind of each option of a function. The type checker ensures that none is missing and none is extra. */
export type OptionKinds<O> = { readonly [K in keyof O]-?: Kind<Exclude<O[K], undefined>> };

/** `; did you mean "mean"?`, if a name is near. */
function meant(word: unknown, names: readonly string[], quote: (name: string) => string): string {
  const near = typeof word === "string" ? nearest(word, names) : undefined;
  return near === undefined ? "" : `; did you mean ${quote(near)}?`;
}

/** Rejects a value of another kind. `what` is the name of the argument. */
export function checkKind<T>(where: string, what: string, value: unknown, kind: Kind<T>): asserts value is T {
  if (kind.accepts(value)) return;
  const { choices = [] } = kind;
  if (typeof value !== "string" || choices.length === 0)
    throw new HebbError(`${where}: ${what} must be ${kind.takes}, got ${describe(value)}`);
  const hint = meant(value, choices, (name) => `"${name}"`);
  const remedy = hint === "" ? `; use ${kind.takes}` : `${hint} It takes ${kind.takes}`;
  throw new HebbError(`${where}: ${what} ${describe(value)} does not exist${remedy}`);
}

/**
 * The options of a function, with each name and value checked. `where` names the function or class. An undefined option
 * counts as omitted.
 */
export function checkOptions<O extends object>(where: string, options: O, kinds: OptionKinds<O>): O {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    const names = Object.keys(kinds);
    throw new HebbError(
      `${where}: options must be an object such as { ${names[0] ?? ""}: … }, got ${describe(options)}; its options are ${names.join(", ")}`,
    );
  }
  for (const name in options) {
    if (!Object.hasOwn(kinds, name)) throw unknownOption(where, options, name, Object.keys(kinds));
    const value = options[name];
    if (value !== undefined) checkKind<unknown>(where, name, value, kinds[name]);
  }
  return options;
}

function unknownOption(where: string, options: object, name: string, names: readonly string[]): HebbError {
  const prototype: unknown = Object.getPrototypeOf(options);
  if (prototype !== null && prototype !== Object.prototype)
    return new HebbError(
      `${where}: options must be a plain object, got ${describe(options)}; its options are ${names.join(", ")}`,
    );
  const hint = meant(name, names, (near) => near);
  const list = names.length === 0 ? "it takes none" : `its options are ${names.join(", ")}`;
  return new HebbError(
    hint === ""
      ? `${where}: there is no option ${name}; ${list}`
      : `${where}: there is no option ${name}${hint} Its options are ${names.join(", ")}`,
  );
}
