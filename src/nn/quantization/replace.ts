// Replaces a module by another, wherever its owner keeps it.
import { HebbError } from "../../graph/errors.ts";
import { ModuleDict, ModuleList, Sequential } from "../containers.ts";
import type { AnyModule } from "../module.ts";

/** `name` is the one in `owner.namedChildren()`. */
export function replaceChild(owner: AnyModule, name: string, by: AnyModule): void {
  const container: unknown = owner;
  if ((container instanceof Sequential || container instanceof ModuleList) && /^\d+$/.test(name))
    container.set(Number(name), by as never);
  else if (container instanceof ModuleDict && container.has(name)) container.set(name, by as never);
  else setIn(owner, name.split("."), by);
  if (!owner.children().includes(by))
    throw new HebbError(
      `${owner.constructor.name}: "${name}" cannot be replaced where it is kept; keep it in a field, a list or a record, or leave it out with skip`,
    );
}

/** Sets a value in a field or a nested collection, by the keys on the path. */
function setIn(owner: object, keys: readonly string[], by: AnyModule): void {
  let holder: unknown = owner;
  for (const key of keys.slice(0, -1)) {
    if (holder instanceof Map) holder = holder.get(key);
    else if (typeof holder === "object" && holder !== null) holder = Reflect.get(holder, key);
  }
  const last = keys.at(-1) ?? "";
  if (holder instanceof Map) {
    if (holder.has(last)) holder.set(last, by);
  } else if (typeof holder === "object" && holder !== null && last in holder) Reflect.set(holder, last, by);
}
