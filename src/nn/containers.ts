// Modules made of modules: Sequential, ModuleList, Identity.
import { HebbError } from "../graph/errors.ts";
import type { Tensor } from "../tensor/index.ts";
import { Module } from "./module.ts";

function* numbered(modules: readonly Module[]): Iterable<readonly [string, Module]> {
  for (const [place, module] of modules.entries()) yield [String(place), module];
}

function moduleAt(kind: string, modules: readonly Module[], place: number): Module {
  const module = modules.at(place);
  if (module === undefined) throw new HebbError(`${kind}: there is no module ${place}; it holds ${modules.length}`);
  return module;
}

/** Modules one after another: each takes what the one before gives. Source: torch.nn.Sequential. */
export class Sequential extends Module {
  readonly #modules: Module[];

  constructor(...modules: Module[]) {
    super();
    this.#modules = modules;
  }

  get length(): number {
    return this.#modules.length;
  }

  /** The module at a place; negative places count from the end. */
  at(place: number): Module {
    return moduleAt("Sequential", this.#modules, place);
  }

  append(module: Module): this {
    this.#modules.push(module);
    return this;
  }

  [Symbol.iterator](): Iterator<Module> {
    return this.#modules[Symbol.iterator]();
  }

  protected override members(): Iterable<readonly [string, Module]> {
    return numbered(this.#modules);
  }

  override forward(input: Tensor): Tensor {
    return this.#modules.reduce((value, module) => module.forward(value), input);
  }
}

/** A list of modules whose use is up to the owner. Source: torch.nn.ModuleList. */
export class ModuleList extends Module {
  readonly #modules: Module[];

  constructor(modules: Iterable<Module> = []) {
    super();
    this.#modules = [...modules];
  }

  get length(): number {
    return this.#modules.length;
  }

  at(place: number): Module {
    return moduleAt("ModuleList", this.#modules, place);
  }

  append(module: Module): this {
    this.#modules.push(module);
    return this;
  }

  [Symbol.iterator](): Iterator<Module> {
    return this.#modules[Symbol.iterator]();
  }

  protected override members(): Iterable<readonly [string, Module]> {
    return numbered(this.#modules);
  }

  /** Throws: a list has no order of its own. */
  override forward(): Tensor {
    throw new HebbError("a list of modules has no forward of its own; call its members, or use Sequential");
  }
}

/** Gives back its input. Source: torch.nn.Identity. */
export class Identity extends Module {
  override forward(input: Tensor): Tensor {
    return input;
  }
}
