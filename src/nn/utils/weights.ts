// Weights computed from other parameters before each forward pass: weight and spectral normalisation.
import { isFloat } from "../../graph/dtype.ts";
import { HebbError } from "../../graph/errors.ts";
import * as kind from "../../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../../graph/options.ts";
import { normalizeAxis } from "../../graph/shape.ts";
import { noGrad, Parameter, randn, State, type Tensor } from "../../tensor/index.ts";
import type { HookHandle } from "../hooks.ts";
import { type AnyModule, Module } from "../module.ts";

const moduleKind = kind.of<AnyModule>("a module", (value) => value instanceof Module);

type Norm = "weightNorm" | "spectralNorm";

/** How a module's weight is computed, and how to remove that. */
interface Computed {
  readonly by: Norm;
  readonly handle: HookHandle;
  /** The current value. */
  value(): Tensor;
  /** The fields that it is computed from. */
  readonly fields: readonly string[];
}
const computed = new WeakMap<AnyModule, Map<string, Computed>>();

const set = (module: AnyModule, name: string, value: unknown): void => void Reflect.set(module, name, value);

function parameterOf(where: Norm, module: AnyModule, name: string): Parameter {
  checkKind<unknown>(where, "the module", module, moduleKind);
  const own: unknown = Reflect.get(module, name);
  if (own instanceof Parameter && own.rank > 0) return own;
  throw new HebbError(
    computed.get(module)?.has(name)
      ? `${where}: "${name}" is normalised already; remove that first`
      : `${where}: the module has no parameter "${name}" of at least one dim`,
  );
}

/** Replaces a parameter by a value computed before each forward. */
function compute(
  module: AnyModule,
  name: string,
  by: Norm,
  fields: Readonly<Record<string, State>>,
  make: () => Tensor,
): void {
  Reflect.deleteProperty(module, name);
  for (const [field, state] of Object.entries(fields)) set(module, field, state);
  const refresh = (): undefined => {
    set(module, name, make());
  };
  // Computed now as well, so that the field has a value before the first call.
  noGrad(refresh);
  const handle = module.registerForwardPreHook(refresh);
  const all = computed.get(module) ?? new Map<string, Computed>();
  all.set(name, { by, handle, value: make, fields: Object.keys(fields) });
  computed.set(module, all);
}

function remove<M extends AnyModule>(where: string, by: Norm, module: M, name: string): M {
  checkKind<unknown>(where, "the module", module, moduleKind);
  checkKind(where, "the name", name, kind.string);
  const found = computed.get(module)?.get(name);
  if (found === undefined || found.by !== by)
    throw new HebbError(`${where}: "${name}" of the module is not normalised by ${by}`);
  const value = noGrad(() => found.value().detach());
  found.handle.remove();
  computed.get(module)?.delete(name);
  for (const field of found.fields) Reflect.deleteProperty(module, field);
  set(module, name, new Parameter(value, { name }));
  return module;
}

export interface WeightNormOptions {
  /** The field of the parameter. Default "weight". */
  readonly name?: string;
  /** The dim whose slices have their own norms; null: one norm for all. Default 0. */
  readonly dim?: number | null;
}

const weightKinds: OptionKinds<WeightNormOptions> = { name: kind.string, dim: kind.orNull(kind.number) };

/**
 * Splits the weight into two separately trained parameters, its norm and its direction: weightG · weightV / ‖weightV‖. Changes the module and returns
 * it; build the optimizer afterwards. Source: torch.nn.utils.weight_norm (Salimans and Kingma 2016).
 */
export function weightNorm<M extends AnyModule>(module: M, options: WeightNormOptions = {}): M {
  const { name = "weight", dim = 0 } = checkOptions("weightNorm", options, weightKinds);
  const weight = parameterOf("weightNorm", module, name);
  const axis = dim === null ? undefined : normalizeAxis(dim, weight.rank, "weightNorm");
  const others = weight.shape.map((_, place) => place).filter((place) => place !== axis);
  const lengthOf = (x: Tensor): Tensor => (others.length === 0 ? x.abs() : x.square().sum(others, true).sqrt());
  const start = weight.detach();
  const scaleStart = axis === undefined ? lengthOf(start).reshape([]) : lengthOf(start);
  const scale = new Parameter(scaleStart, { name: `${name}_g` });
  const direction = new Parameter(start, { name: `${name}_v` });
  compute(module, name, "weightNorm", { [`${name}G`]: scale, [`${name}V`]: direction }, () =>
    direction.mul(scale.div(lengthOf(direction))),
  );
  return module;
}

/** Makes the normalised weight a parameter again. Source: torch.nn.utils.remove_weight_norm. */
export const removeWeightNorm = <M extends AnyModule>(module: M, name = "weight"): M =>
  remove("removeWeightNorm", "weightNorm", module, name);

export interface SpectralNormOptions {
  /** The field of the parameter. Default "weight". */
  readonly name?: string;
  /** Power iterations in each forward in training. Default 1. */
  readonly nPowerIterations?: number;
  /** The smallest norm that vectors are divided by. Default 1e-12. */
  readonly eps?: number;
  /** The dim of the outputs. Default 0; 1 for ConvTranspose. */
  readonly dim?: number;
}

const spectralKinds: OptionKinds<SpectralNormOptions> = {
  name: kind.string,
  nPowerIterations: kind.number,
  eps: kind.number,
  dim: kind.number,
};

/**
 * Divides the weight by its largest singular value, which the power method tracks from forward to forward in training. Changes the module and returns
 * it; build the optimizer afterwards. Source: torch.nn.utils.spectral_norm (Miyato et al. 2018).
 */
export function spectralNorm<M extends AnyModule>(module: M, options: SpectralNormOptions = {}): M {
  const {
    name = "weight",
    nPowerIterations = 1,
    eps = 1e-12,
    dim,
  } = checkOptions("spectralNorm", options, spectralKinds);
  const weight = parameterOf("spectralNorm", module, name);
  if (!(Number.isInteger(nPowerIterations) && nPowerIterations >= 1))
    throw new HebbError(`spectralNorm: nPowerIterations must be a whole number of at least 1, got ${nPowerIterations}`);
  const axis = normalizeAxis(
    dim ?? (/^ConvTranspose/.test(module.constructor.name) ? 1 : 0),
    weight.rank,
    "spectralNorm",
  );
  const order = [axis, ...weight.shape.map((_, place) => place).filter((place) => place !== axis)];
  const rows = weight.shape[axis] as number;
  const matrixOf = (x: Tensor): Tensor => x.permute(order).reshape([rows, -1]);
  const unit = (x: Tensor): Tensor => x.div(x.norm().clamp(eps));
  const dtype = isFloat(weight.dtype) ? weight.dtype : "float32";
  const original = new Parameter(weight.detach(), { name: `${name}_orig` });
  const left = new State(unit(randn([rows], { dtype })), { name: `${name}_u` });
  const right = new State(unit(randn([weight.size / rows], { dtype })), { name: `${name}_v` });
  let iterates = false;
  compute(module, name, "spectralNorm", { [`${name}Orig`]: original, [`${name}U`]: left, [`${name}V`]: right }, () => {
    const matrix = matrixOf(original);
    let [u, v]: [Tensor, Tensor] = [left.detach(), right.detach()];
    if (iterates && module.training) {
      for (let step = 0; step < nPowerIterations; step++) {
        v = unit(matrix.detach().T.matmul(u));
        u = unit(matrix.detach().matmul(v));
      }
      left.assign(u);
      right.assign(v);
    }
    return original.div(u.dot(matrix.matmul(v)));
  });
  iterates = true;
  return module;
}

/** Makes the normalised weight a parameter again. Source: torch.nn.utils.remove_spectral_norm. */
export function removeSpectralNorm<M extends AnyModule>(module: M, name = "weight"): M {
  return remove("removeSpectralNorm", "spectralNorm", module, name);
}
