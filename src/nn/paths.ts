// Walks over modules, and the paths to them. None recurses, and paths are computed lazily.

/** What has children of type M, by name. */
interface Parent<M> {
  namedChildren(): [name: string, child: M][];
}
/** A module, as far as paths are concerned. */
interface Owner extends Parent<Owner> {}

export const join = (path: string, name: string): string =>
  path === "" ? name : name === "" ? path : `${path}.${name}`;

/** A path is its parent and a name; every this many levels it is stored as text, so that reading it is fast. */
const copiedLevels = 64;

/** A module ("") and all below it by path, each once, in the order of definition. `spell` is how paths write a name of its owner. */
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

/** The paths inside a module, read on until the one asked for is among them. */
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

/** The path of a module inside one that calls it. One that is used but not owned has no name there; its kind tells most. */
export function pathInside(caller: Owner, module: Owner): string {
  const known = pathsOf.get(caller)?.of(module);
  if (known !== undefined) return known;
  // It may have been added since.
  const paths = new Paths(caller);
  pathsOf.set(caller, paths);
  return paths.of(module) ?? module.constructor.name;
}
