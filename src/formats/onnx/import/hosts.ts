// Shape arithmetic: small known arrays, computed immediately while the graph is built.
import { at } from "../../../graph/at.ts";
import { broadcastShapes, type Shape, sizeOf } from "../../../graph/shape.ts";
import type { ElementType } from "../elementTypes.ts";
import { type Host, TensorValue } from "./values.ts";

/** Larger arrays are computed by programs. */
const most = 256;

/** The known values of a small array of integers or booleans; also of floats if `floats` is set. */
export function smallHost(value: TensorValue, floats = false): Host | undefined {
  const host = value.small;
  if (host === undefined || host.length > most) return undefined;
  return floats || isWhole(value.type) ? host : undefined;
}

export function isWhole(type: ElementType): boolean {
  return /^u?int/.test(type) || type === "bool";
}

/** The stride of each dim. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let dim = shape.length - 2; dim >= 0; dim--) strides[dim] = at(strides, dim + 1) * at(shape, dim + 1);
  return strides;
}

/** Calls `use` for every index of a shape, in row-major order. */
export function forEachIndex(shape: Shape, use: (index: readonly number[], place: number) => void): void {
  const index = new Array<number>(shape.length).fill(0);
  const size = sizeOf(shape);
  for (let place = 0; place < size; place++) {
    use(index, place);
    for (let dim = shape.length - 1; dim >= 0; dim--) {
      const next = at(index, dim) + 1;
      index[dim] = next < at(shape, dim) ? next : 0;
      if (next < at(shape, dim)) break;
    }
  }
}

/** The offset of an index, aligned at the last dim, in a shape that broadcasts. */
function placeIn(shape: Shape, strides: readonly number[], index: readonly number[]): number {
  const offset = index.length - shape.length;
  let place = 0;
  for (const [dim, size] of shape.entries()) if (size !== 1) place += at(index, dim + offset) * at(strides, dim);
  return place;
}

/** An elementwise function of small known arrays, with broadcasting; undefined if any is not known. */
export function onHosts(
  values: readonly TensorValue[],
  type: ElementType,
  fn: (...elements: number[]) => number,
): TensorValue | undefined {
  const hosts = values.map((value) => smallHost(value));
  if (hosts.includes(undefined)) return undefined;
  const shape = values.reduce<Shape>((all, value) => broadcastShapes(all, value.shape, "broadcast"), []);
  if (sizeOf(shape) > most) return undefined;
  const strides = values.map((value) => stridesOf(value.shape));
  const out = new Float64Array(sizeOf(shape));
  forEachIndex(shape, (index, place) => {
    out[place] = fn(
      ...values.map((value, one) => hosts[one]?.[placeIn(value.shape, at(strides, one), index)] ?? Number.NaN),
    );
  });
  return TensorValue.known(out, shape, type);
}
