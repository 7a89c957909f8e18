// Modules made of modules: Sequential, ModuleList, ModuleDict, Residual, and Identity.
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkOptions } from "../graph/options.ts";
import { formatShape } from "../graph/shape.ts";
import { Tensor } from "../tensor/index.ts";
import { type AnyModule, type Member, Module } from "./module.ts";

/** A module that maps one tensor to one tensor. */
export type TensorModule = Module<Tensor, unknown[]>;

function* numbered(modules: readonly AnyModule[]): Iterable<readonly [string, AnyModule]> {
  for (const [place, module] of modules.entries()) yield [String(place), module];
}

function moduleAt<M>(kind: string, modules: readonly M[], place: number): M {
  const module = modules.at(place);
  if (module === undefined) throw new HebbError(`${kind}: there is no module ${place}; it holds ${modules.length}`);
  return module;
}

/** Replaces the module at a position. */
function replaceAt<M>(kind: string, modules: M[], place: number, module: M): void {
  moduleAt(kind, modules, place);
  checkModule(kind, String(place), module);
  modules.splice(place, 1, module);
}

/** Refuses anything but a module: a class without `new`, a function, a hole. */
function checkModule(kind: string, place: string, value: unknown): void {
  if (value instanceof Module) return;
  if (typeof value === "function") {
    throw new HebbError(
      value.prototype instanceof Module
        ? `${kind}: module ${place} is the class ${value.name}, not a layer; write new ${value.name}(…)`
        : `${kind}: module ${place} is a function; give a layer, such as new nn.ReLU() for relu, or a class of your own that extends Module`,
    );
  }
  const what = Array.isArray(value) ? "an array" : value === null ? "null" : `of type ${typeof value}`;
  throw new HebbError(`${kind}: module ${place} is ${what}; give a layer, such as new nn.Linear(2, 3)`);
}

/** Chains modules: each takes the output of the one before. Source: torch.nn.Sequential. */
export class Sequential extends Module {
  readonly #modules: TensorModule[];

  constructor(...modules: TensorModule[]) {
    super();
    const [first]: readonly unknown[] = modules;
    if (Array.isArray(first))
      throw new HebbError(
        `Sequential: takes its layers one by one, got an array of ${first.length}; write new Sequential(a, b), or new Sequential(...layers)`,
      );
    for (const [place, module] of modules.entries()) checkModule("Sequential", String(place), module);
    this.#modules = modules;
  }

  get length(): number {
    return this.#modules.length;
  }

  /** The module at a position; negative positions count from the end. */
  at(place: number): TensorModule {
    return moduleAt("Sequential", this.#modules, place);
  }

  /** Replaces the module at a position; negative positions count from the end. */
  set(place: number, module: TensorModule): this {
    replaceAt("Sequential", this.#modules, place, module);
    return this;
  }

  append(module: TensorModule): this {
    checkModule("Sequential", String(this.length), module);
    this.#modules.push(module);
    return this;
  }

  [Symbol.iterator](): Iterator<TensorModule> {
    return this.#modules[Symbol.iterator]();
  }

  protected override *members(): Iterable<readonly [string, Member]> {
    yield* numbered(this.#modules);
    // Members that a subclass adds.
    yield* super.members();
  }

  override forward(input: Tensor): Tensor {
    return this.#modules.reduce((value, module, place) => {
      const output: unknown = module.forward(value);
      if (output instanceof Tensor) return output;
      throw new HebbError(
        `module ${place} (${module.constructor.name}) returns several values, and the next module takes one tensor; wrap it in a module that returns the one you need`,
      );
    }, input);
  }
}

/** A list of modules; the owner decides how to call them. Source: torch.nn.ModuleList. */
export class ModuleList<M extends AnyModule = TensorModule> extends Module {
  readonly #modules: M[];

  constructor(modules: Iterable<M> = []) {
    super();
    if (!(Symbol.iterator in Object(modules)))
      throw new HebbError("ModuleList: takes an array of modules; write new ModuleList([a, b])");
    this.#modules = [...modules];
    for (const [place, module] of this.#modules.entries()) checkModule("ModuleList", String(place), module);
  }

  get length(): number {
    return this.#modules.length;
  }

  at(place: number): M {
    return moduleAt("ModuleList", this.#modules, place);
  }

  /** Replaces the module at a position; negative positions count from the end. */
  set(place: number, module: M): this {
    replaceAt("ModuleList", this.#modules, place, module);
    return this;
  }

  append(module: M): this {
    checkModule("ModuleList", String(this.length), module);
    this.#modules.push(module);
    return this;
  }

  [Symbol.iterator](): Iterator<M> {
    return this.#modules[Symbol.iterator]();
  }

  protected override *members(): Iterable<readonly [string, Member]> {
    yield* numbered(this.#modules);
    // Members that a subclass adds.
    yield* super.members();
  }

  /** Throws, because a list defines no order of execution. */
  override forward(): Tensor {
    throw new HebbError("ModuleList: has no forward; call its modules, or use Sequential");
  }
}

/** Modules by name; the owner decides how to call them. Source: torch.nn.ModuleDict. */
export class ModuleDict<M extends AnyModule = TensorModule> extends Module {
  readonly #modules: Map<string, M>;

  constructor(modules: Readonly<Record<string, M>> | Iterable<readonly [string, M]> = {}) {
    super();
    if (typeof modules !== "object" || modules === null)
      throw new HebbError(`ModuleDict: takes modules by name, { a: module }, got ${kind.describe(modules)}`);
    const entries: readonly unknown[] = Symbol.iterator in modules ? [...modules] : Object.entries(modules);
    const isEntry = (entry: unknown): entry is [string, M] => Array.isArray(entry) && typeof entry[0] === "string";
    if (!entries.every(isEntry))
      throw new HebbError("ModuleDict: takes modules by name, { a: module }, or pairs of a name and a module");
    this.#modules = new Map(entries);
    for (const [name, module] of this.#modules) checkEntry(name, module);
  }

  get size(): number {
    return this.#modules.size;
  }

  get(name: string): M {
    const module = this.#modules.get(name);
    if (module === undefined)
      throw new HebbError(`ModuleDict: there is no "${name}"; it holds ${[...this.#modules.keys()].join(", ")}`);
    return module;
  }

  has(name: string): boolean {
    return this.#modules.has(name);
  }

  set(name: string, module: M): this {
    checkEntry(name, module);
    this.#modules.set(name, module);
    return this;
  }

  [Symbol.iterator](): Iterator<[string, M]> {
    return this.#modules[Symbol.iterator]();
  }

  protected override *members(): Iterable<readonly [string, Member]> {
    yield* this.#modules;
    yield* super.members();
  }

  /** Throws, because names have no order. */
  override forward(): Tensor {
    throw new HebbError("ModuleDict: has no forward; call one of its modules");
  }
}

function checkEntry(name: string, module: unknown): void {
  if (name === "" || name.includes("."))
    throw new HebbError(`ModuleDict: "${name}" cannot be a name; names are not empty and have no dot`);
  checkModule("ModuleDict", `"${name}"`, module);
}

/**
 * x + body(x): gradients reach earlier layers undiminished (He et al. 2015). `shortcut` maps x to the shape of the body's output if they differ, for
 * example a Conv2d of size 1. Wrap several modules of the body in a Sequential.
 */
export class Residual extends Module {
  readonly body: TensorModule;
  readonly shortcut: TensorModule | undefined;

  constructor(body: TensorModule, options: { readonly shortcut?: TensorModule } = {}) {
    super();
    checkModule("Residual", "body", body);
    const kinds = { shortcut: kind.instanceOf<TensorModule>(Module, "a module") };
    checkOptions("Residual", options, kinds);
    this.body = body;
    this.shortcut = options.shortcut;
  }

  override forward(input: Tensor): Tensor {
    const direct = this.shortcut === undefined ? input : this.shortcut.forward(input);
    const output = this.body.forward(input);
    if (direct.rank !== output.rank || direct.shape.some((extent, axis) => extent !== output.shape[axis])) {
      throw new ShapeError(
        `Residual: the body returns ${formatShape(output.shape)} and the shortcut ${formatShape(direct.shape)}; pass a shortcut that changes ${formatShape(input.shape)} in the same way`,
      );
    }
    return direct.add(output);
  }
}

/** Returns its input. Source: torch.nn.Identity. */
export class Identity extends Module {
  override forward(input: Tensor): Tensor {
    return input;
  }
}
