// Finds the states and modules in a module's fields, including lists, records, Maps and Sets at any depth, with their names.
import { HebbError } from "../graph/errors.ts";
import { describe } from "../graph/kinds.ts";

/** The entries of a collection, with the key of each; undefined for anything else. */
function entriesOf(value: unknown): Iterator<readonly [unknown, unknown]> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value)) return value.entries();
  if (value instanceof Map) return value.entries();
  if (value instanceof Set) return [...value].entries();
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? Object.entries(value)[Symbol.iterator]() : undefined;
}

/** Names are joined by dots into paths, so a name must not contain dots. */
function refuseName(path: string, key: unknown, member: object): void {
  if (typeof key === "number" || (typeof key === "string" && key !== "" && !key.includes("."))) return;
  throw new HebbError(
    `"${path}" holds ${describe(member)} under ${describe(key)}; name it by a text without a dot, as its parameters are called "${path}.name"`,
  );
}

/** A collection being read: its path, and the path and key under which it was found. */
interface Open {
  readonly path: string;
  readonly above: string;
  readonly key: unknown;
  readonly entries: Iterator<readonly [unknown, unknown]>;
}

/** The members among the fields, in order. */
export function* membersIn<M extends object>(
  fields: object,
  isMember: (value: unknown) => value is M,
): Generator<readonly [name: string, member: M], void, void> {
  const seen = new Set<unknown>([fields]);
  // Field names are used unchanged; keys inside collections are checked.
  for (const [field, own] of Object.entries(fields)) {
    const first = entriesOf(own);
    if (isMember(own)) yield [field, own];
    if (isMember(own) || first === undefined || seen.has(own)) continue;
    seen.add(own);
    const open: Open[] = [{ path: field, above: "", key: 0, entries: first }];
    for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
      const { done, value: entry } = last.entries.next();
      if (done === true) {
        open.pop();
        continue;
      }
      const [key, value] = entry;
      if (typeof value !== "object" || value === null) continue;
      const path = `${last.path}.${String(key)}`;
      if (isMember(value)) {
        for (const { above, key: name } of open) refuseName(above, name, value);
        refuseName(last.path, key, value);
        yield [path, value];
        continue;
      }
      const entries = seen.has(value) ? undefined : entriesOf(value);
      if (entries === undefined) continue;
      seen.add(value);
      open.push({ path, above: last.path, key, entries });
    }
  }
}
