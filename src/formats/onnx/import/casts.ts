// Cast, CastLike, BitCast, Identity.
import { at } from "../../../graph/at.ts";
import { HebbError } from "../../../graph/errors.ts";
import { bitsOf, dtypeOf, type ElementType, elementTypeOf } from "../elementTypes.ts";
import { readTensor } from "../tensors.ts";
import { int, string } from "./attributes.ts";
import { isWhole, smallHost } from "./hosts.ts";
import { converted } from "./rounding.ts";
import { type Call, type Operators, type Output, rule, typed } from "./rule.ts";
import { TensorValue, valueOf } from "./values.ts";

/** Parses a number. */
function parsed(text: string, where: string): number {
  const word = text.trim().toLowerCase();
  if (/^[+-]?inf(inity)?$/.test(word))
    return word.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (word === "nan") return Number.NaN;
  const value = word === "" ? Number.NaN : Number(word);
  if (Number.isNaN(value))
    throw new HebbError(`${where}: the text ${JSON.stringify(text.slice(0, 40))} is not a number`);
  return value;
}

function cast(call: Call<{ readonly saturate: number }>, to: ElementType): Output {
  const given = call.any(0);
  if (given.kind === "text") {
    if (to === "string") return given;
    return TensorValue.known(
      given.texts.map((text) => parsed(text, call.where)),
      given.shape,
      to,
    );
  }
  const value = call.value(0);
  if (to === "string") {
    const host = Array.from(call.host(0));
    if (value.type === "float")
      return { kind: "text", shape: value.shape, texts: host.map((one) => String(shortest(one))) };
    return {
      kind: "text",
      shape: value.shape,
      texts: host.map((one) => (value.type === "bool" ? (one ? "True" : "False") : String(one))),
    };
  }
  if (dtypeOf(to) === undefined) throw call.fail(`there are no tensors of type ${to}`);
  // Shapes stay known, whether as integers or as floats.
  const host = smallHost(value, true);
  const holds = (one: number): boolean => (to === "bool" ? one === 0 || one === 1 : Math.abs(one) < 2 ** 24);
  if (
    host !== undefined &&
    isWhole(value.type) &&
    (to === "int64" || to === "int32" || to === "float" || to === "double") &&
    Array.from(host).every(holds)
  )
    return TensorValue.known(host, value.shape, to);
  if (host !== undefined && (value.type === "float" || value.type === "double") && (to === "int64" || to === "int32"))
    if (Array.from(host).every((one) => Math.abs(one) < 2 ** 31))
      return TensorValue.known(Array.from(host, Math.trunc), value.shape, to);
  return typed(converted(value.tensor, value.type, to, call.attributes.saturate === 1), to);
}

/** A float32 in its shortest decimal form. */
function shortest(value: number): number {
  for (let digits = 6; digits < 10; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return text;
  }
  return value;
}

function bytesOf(value: TensorValue, host: ArrayLike<number>): Uint8Array {
  if (value.type === "string") return new Uint8Array(0);
  const width = bitsOf[value.type] / 8;
  const bytes = new Uint8Array(host.length * width);
  const view = new DataView(bytes.buffer);
  for (let place = 0; place < host.length; place++) {
    const one = at(host, place);
    if (value.type === "float") view.setFloat32(place * 4, one, true);
    else if (value.type === "double") view.setFloat64(place * 8, one, true);
    else if (width === 8) view.setBigInt64(place * 8, BigInt(one), true);
    else if (width === 4) view.setInt32(place * 4, one, true);
    else if (width === 2) view.setInt16(place * 2, one, true);
    else view.setInt8(place, one);
  }
  return bytes;
}

export const casts: Operators = {
  Cast: rule({ to: int(), saturate: int(1), round_mode: string("up") }, (call) =>
    cast(call, elementTypeOf(call.attributes.to, call.where)),
  ),
  CastLike: rule({ saturate: int(1), round_mode: string("up") }, (call) => {
    const like = call.any(1);
    return cast(call, like.kind === "text" ? "string" : call.value(1).type);
  }),
  /** Reads bits on the host: known values, or values in a forward pass outside compile. */
  BitCast: rule({ to: int() }, (call) => {
    const value = call.value(0);
    const to = elementTypeOf(call.attributes.to, call.where);
    const whole = isWhole(value.type) || value.type === "float" || value.type === "double";
    if (!whole || to === "string" || value.type === "string" || bitsOf[to] !== bitsOf[value.type])
      throw call.fail(`${value.type} cannot be read as ${to}`);
    const raw = bytesOf(value, call.host(0));
    return valueOf(
      readTensor(
        {
          dims: [...value.shape],
          dataType: call.attributes.to,
          rawData: raw,
          stringData: [],
          externalData: [],
          metadataProps: [],
        },
        call.where,
      ),
      call.where,
    );
  }),
  Identity: rule({}, (call) => call.any(0)),
};
