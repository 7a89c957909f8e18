// Walks over modules and the paths to them. Nothing recurses, and paths are computed lazily.

/** Something with named children of type M. */
interface Parent<M> {
  namedChildren(): [name: string, child: M][];
}
/** A module, as used for paths. */
interface Owner extends Parent<Owner> {}

export const join = (path: string, name: string): string =>
  path === "" ? name : name === "" ? path : `${path}.${name}`;

/** A path is its parent and a name. At every multiple of this many levels it is stored as text, so that reading it is fast. */
const copiedLevels = 64;

/** A module ("") and all below it by path, each once, in the order of definition. `spell`: how paths write a name. */
export function* modulesBelow<M extends Parent<M>>(
  root: M,
  spell: (name: string, owner: M) => string = (name) => name,
): Generator<[path: string, module: M]> {
  const found = new Set<M>();
  const stack: { readonly path: string; readonly module: M; readonly level: number }[] = [
    { path: "", module: root, level: 0 },
  ];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { path, module, level } = next;
    if (found.has(module)) continue;
    found.add(module);
    yield [path, module];
    for (const [name, child] of module.namedChildren().reverse()) {
      const below = join(path, spell(name, module));
      const copied = level % copiedLevels === copiedLevels - 1 ? [below, ""].join("") : below;
      stack.push({ path: copied, module: child, level: level + 1 });
    }
  }
}

/** The paths inside a module, generated on demand up to the requested one. */
class Paths {
  private readonly known = new Map<Owner, string>();
  private readonly rest: Generator<[path: string, module: Owner]>;

  constructor(root: Owner) {
    this.rest = modulesBelow(root);
  }

  of(module: Owner): string | undefined {
    const known = this.known.get(module);
    if (known !== undefined) return known;
    for (let next = this.rest.next(); !next.done; next = this.rest.next()) {
      const [path, found] = next.value;
      this.known.set(found, path);
      if (found === module) return path;
    }
    return undefined;
  }
}

const pathsOf = new WeakMap<Owner, Paths>();

/** The path of a module inside the calling one. A module that is used but not owned has no path, so its class stands in. */
export function pathInside(caller: Owner, module: Owner): string {
  const known = pathsOf.get(caller)?.of(module);
  if (known !== undefined) return known;
  // The module may have been added since.
  const paths = new Paths(caller);
  pathsOf.set(caller, paths);
  return paths.of(module) ?? module.constructor.name;
}
