// A key–value cache of fixed length: the position is a value, not a shape, so one program serves every position.
import { HebbError } from "../../graph/errors.ts";
import { arange, State, type Tensor, where } from "../../tensor/index.ts";

export interface CacheShape {
  readonly batch: number;
  readonly layers: number;
  readonly heads: number;
  readonly headWidth: number;
  /** Maximum number of positions. */
  readonly length: number;
}

/** Keys and values of one layer, and the position for the next ones. */
export interface LayerCache {
  /** Stores keys and values [N, heads, C, headWidth] and returns all [N, heads, length, headWidth]. */
  extend(key: Tensor, value: Tensor): [key: Tensor, value: Tensor];
}

export class KeyValueCache {
  readonly shape: CacheShape;
  readonly #layers: readonly { readonly keys: State; readonly values: State }[];

  constructor(shape: CacheShape) {
    for (const [name, size] of Object.entries(shape))
      if (!(Number.isSafeInteger(size) && size >= 1))
        throw new HebbError(`KeyValueCache: ${name} must be a whole number of at least 1, got ${size}`);
    this.shape = shape;
    const { batch, layers, heads, length, headWidth } = shape;
    const cell = (): State => new State(0, { shape: [batch, heads, length, headWidth] });
    this.#layers = Array.from({ length: layers }, () => ({ keys: cell(), values: cell() }));
  }

  /** Its memory, in bytes. */
  get bytes(): number {
    const { batch, layers, heads, length, headWidth } = this.shape;
    return 2 * 4 * batch * layers * heads * length * headWidth;
  }

  /**
   * The part of one layer, for `count` new positions from `start` [1] on. With `parents` [N], row r continues the text of the former row
   * parents[r].
   */
  layer(place: number, start: Tensor, count: number, parents?: Tensor): LayerCache {
    const layer = this.#layers[place];
    if (layer === undefined) throw new HebbError(`KeyValueCache: there is no layer ${place}`);
    const { length } = this.shape;
    const offset = arange(length).sub(start);
    const fresh = offset.ge(0).logicalAnd(offset.lt(count)).reshape([1, 1, length, 1]);
    const source = count === 1 ? undefined : offset.clamp(0, count - 1);
    const store = (state: State, given: Tensor): Tensor => {
      const spread = source === undefined ? given : given.indexSelect(2, source);
      state.assign(where(fresh, spread, parents === undefined ? state : state.indexSelect(0, parents)));
      return state;
    };
    return { extend: (key, value) => [store(layer.keys, key), store(layer.values, value)] };
  }
}
