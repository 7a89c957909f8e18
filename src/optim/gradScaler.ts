// GradScaler: scales losses, so that small gradients do not underflow in float16, and skips steps whose gradients overflowed.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { checkKind, checkOptions, type OptionKinds } from "../graph/options.ts";
import { type LoadableValue, readStateValue } from "../nn/stateValue.ts";
import { given } from "../tensor/arguments.ts";
import { type Parameter, State, stack, Tensor, where } from "../tensor/index.ts";
import { assigningWhere, flush } from "../tensor/lazy.ts";
import { onOneDevice } from "../tensor/placement.ts";
import { checkCount } from "./schedule.ts";

export interface GradScalerOptions {
  /** The initial factor of losses. Default 65536. */
  readonly initScale?: number;
  /** The factor of the scale after `growthInterval` steps without an overflow. Default 2. */
  readonly growthFactor?: number;
  /** The factor of the scale after an overflow. Default 0.5. */
  readonly backoffFactor?: number;
  /** Default 2000. */
  readonly growthInterval?: number;
  /** False leaves losses and gradients unchanged and makes every step. Default true. */
  readonly enabled?: boolean;
}
const scalerKinds: OptionKinds<GradScalerOptions> = {
  initScale: kind.number,
  growthFactor: kind.number,
  backoffFactor: kind.number,
  growthInterval: kind.number,
  enabled: kind.boolean,
};

/** The scale, and the steps since it changed. */
export interface GradScalerState {
  readonly scale: Tensor;
  readonly growthTracker: Tensor;
}

/** The optimizers that a scaler can step: any whose step takes no function. */
interface Stepped {
  readonly groups: readonly { readonly params: readonly Parameter[] }[];
  step(): void;
}

/**
 * Loss scaling for training in float16: `scale(loss).backward()`, `step(optimizer)`, `update()`. A step with gradients that are not all finite
 * changes nothing: weights, moments and counts stay. Works inside `compile`; its scale is part of the program. bfloat16 does not need it. Source:
 * torch.amp.GradScaler.
 */
export class GradScaler {
  readonly #options: Required<GradScalerOptions>;
  readonly #scale: State;
  readonly #tracker = new State(0, { dtype: "int32", name: "growthTracker" });
  /** Whether an optimizer's gradients are finite, from `unscale` to `update`. */
  readonly #finite = new Map<Stepped, Tensor>();

  constructor(options: GradScalerOptions = {}) {
    const own = checkOptions("GradScaler", options, scalerKinds);
    const { initScale = 65536, growthFactor = 2, backoffFactor = 0.5, growthInterval = 2000, enabled = true } = own;
    if (!(initScale > 0)) throw new HebbError(`GradScaler: initScale must be above 0, got ${initScale}`);
    if (!(growthFactor > 1)) throw new HebbError(`GradScaler: growthFactor must be above 1, got ${growthFactor}`);
    if (!(backoffFactor > 0 && backoffFactor < 1))
      throw new HebbError(`GradScaler: backoffFactor must lie between 0 and 1, got ${backoffFactor}`);
    checkCount("GradScaler", "growthInterval", growthInterval, 1);
    this.#options = { initScale, growthFactor, backoffFactor, growthInterval, enabled };
    this.#scale = new State(initScale, { name: "scale" });
  }

  /** The loss times the scale; in float32 if the loss is a 16-bit float. */
  scale(loss: Tensor): Tensor {
    given("GradScaler.scale", loss, "the loss");
    return this.#options.enabled ? loss.mul(this.#scale) : loss;
  }

  /** Divides the gradients by the scale, for example to clip them before `step`, which otherwise does it. Once for each optimizer and `update`. */
  unscale(optimizer: Stepped): void {
    if (!this.#options.enabled) return;
    if (this.#finite.has(optimizer))
      throw new HebbError(
        "GradScaler: the gradients of this optimizer are unscaled already; call update() after each step",
      );
    const inverse = this.#scale.to("float64").reciprocal();
    const checks: Tensor[] = [];
    for (const { params } of optimizer.groups)
      for (const parameter of params) {
        const { grad } = parameter;
        if (grad === undefined) continue;
        checks.push(grad.isfinite().all());
        parameter.grad = grad.mul(inverse).to(grad.dtype);
      }
    if (checks.length === 0)
      throw new HebbError("GradScaler: no parameter has a gradient; call scale(loss).backward() before step");
    this.#finite.set(optimizer, allOf(checks));
  }

  /** Steps the optimizer if all gradients are finite. */
  step(optimizer: Stepped): void {
    checkKind<unknown>("GradScaler.step", "the optimizer", optimizer, steppedKind);
    if (!this.#options.enabled) {
      optimizer.step();
      return;
    }
    if (!this.#finite.has(optimizer)) this.unscale(optimizer);
    const finite = this.#finite.get(optimizer);
    if (finite !== undefined) assigningWhere(finite.node, () => optimizer.step());
  }

  /** Shrinks the scale if a gradient overflowed since the last call, and grows it after many steps without overflow. */
  update(): void {
    if (!this.#options.enabled) return;
    const found = [...this.#finite.values()];
    this.#finite.clear();
    if (found.length === 0)
      throw new HebbError("GradScaler: nothing was unscaled since the last update; call step(optimizer) before");
    const finite = allOf(found);
    const { growthFactor, backoffFactor, growthInterval } = this.#options;
    const steps = this.#tracker.add(1);
    const grows = steps.ge(growthInterval);
    const larger = this.#scale.mul(growthFactor);
    const kept = where(grows.logicalAnd(larger.isfinite()), larger, this.#scale);
    this.#scale.assign(where(finite, kept, this.#scale.mul(backoffFactor)));
    this.#tracker.assign(where(finite.logicalAnd(grows.logicalNot()), steps, 0));
    flush();
  }

  /** The scale; 1 if it is disabled. */
  async getScale(): Promise<number> {
    return this.#options.enabled ? this.#scale.item() : 1;
  }

  stateDict(): GradScalerState {
    return { scale: Tensor.of(this.#scale.node), growthTracker: Tensor.of(this.#tracker.node) };
  }

  /** Continues from a state dict. Throws HebbError, changing nothing, if it does not match. */
  loadStateDict(saved: { readonly [K in keyof GradScalerState]: LoadableValue }): void {
    const values = (
      [
        ["scale", this.#scale],
        ["growthTracker", this.#tracker],
      ] as const
    ).map(([name, state]) => {
      const value = readStateValue(name, saved?.[name]);
      if (value.shape.length > 0) throw new HebbError(`loadStateDict: "${name}" of a GradScaler is one number`);
      return [state, value] as const;
    });
    for (const [state, value] of values) state.assign(value instanceof Tensor ? value : value.data);
  }
}

const steppedKind = kind.of<Stepped>(
  "an optimizer",
  (value) => typeof value === "object" && value !== null && "groups" in value && "step" in value,
);

/** Whether all are true, also for gradients on different devices. */
const allOf = (truths: readonly Tensor[]): Tensor =>
  stack(onOneDevice(truths.map(({ node }) => node)).map((node) => Tensor.of(node))).all();
