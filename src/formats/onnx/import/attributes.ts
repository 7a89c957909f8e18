// Attributes of nodes, read by type: a rule declares the ones it takes, and anything else is an error.
import { HebbError } from "../../../graph/errors.ts";
import { attributeTypes } from "../attributeTypes.ts";
import type { AttributeProto, GraphProto, TensorProto, TypeProto } from "../proto/messages.ts";
import type { Value } from "./values.ts";

/** The graph in an attribute; only the executor knows its structure. */
export interface Subgraph {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Builds graphs and values from attributes. */
export interface AttributeReader {
  graph(graph: GraphProto, where: string): Subgraph;
  tensor(tensor: TensorProto, where: string): Value;
}

/** The reader of an attribute; `code` is the required type. */
export interface AttributeKind<T> {
  readonly code: number;
  readonly read: (attribute: AttributeProto, where: string, reader: AttributeReader) => T;
  /** The default; without one, the node must have the attribute. */
  readonly fallback?: { readonly value: T };
}

export type AttributeKinds = Readonly<Record<string, AttributeKind<unknown>>>;
export type AttributesOf<K extends AttributeKinds> = {
  readonly [Name in keyof K]: K[Name] extends AttributeKind<infer T> ? T : never;
};

const text = new TextDecoder();
const absent = (where: string): never => {
  throw new HebbError(`${where} has no value; the file is damaged`);
};

const readInt = ({ i = 0n }: AttributeProto): number => Number(i);
const readFloat = ({ f = 0 }: AttributeProto): number => f;
const readString = ({ s }: AttributeProto): string => (s === undefined ? "" : text.decode(s));
const readInts = ({ ints }: AttributeProto): readonly number[] => ints.map(Number);
const readFloats = ({ floats }: AttributeProto): readonly number[] => floats;
const readStrings = ({ strings }: AttributeProto): readonly string[] => strings.map((one) => text.decode(one));

function kind<T>(code: number, read: AttributeKind<T>["read"], fallback: readonly T[]): AttributeKind<T> {
  const [value] = fallback;
  return value === undefined ? { code, read } : { code, read, fallback: { value } };
}
const maybe = <T>(code: number, read: AttributeKind<T>["read"]): AttributeKind<T | undefined> => ({
  code,
  read,
  fallback: { value: undefined },
});

/** Whole numbers beyond 2^53 are rounded, since they mean "unbounded". */
export const int = (...fallback: readonly number[]): AttributeKind<number> =>
  kind(attributeTypes.int, readInt, fallback);
export const float = (...fallback: readonly number[]): AttributeKind<number> =>
  kind(attributeTypes.float, readFloat, fallback);
export const string = (...fallback: readonly string[]): AttributeKind<string> =>
  kind(attributeTypes.string, readString, fallback);
export const ints = (...fallback: readonly (readonly number[])[]): AttributeKind<readonly number[]> =>
  kind(attributeTypes.ints, readInts, fallback);
export const maybeInt = maybe(attributeTypes.int, readInt);
export const maybeFloat = maybe(attributeTypes.float, readFloat);
export const maybeString = maybe(attributeTypes.string, readString);
export const maybeInts = maybe(attributeTypes.ints, readInts);
export const maybeFloats = maybe(attributeTypes.floats, readFloats);
export const maybeStrings = maybe(attributeTypes.strings, readStrings);
export const maybeTensor = maybe(attributeTypes.tensor, ({ t }, where, reader) =>
  reader.tensor(t ?? absent(where), where),
);
export const graph: AttributeKind<Subgraph> = {
  code: attributeTypes.graph,
  read: ({ g }, where, reader) => reader.graph(g ?? absent(where), where),
};
export const maybeGraph = maybe(attributeTypes.graph, ({ g }, where, reader) =>
  reader.graph(g ?? absent(where), where),
);
export const maybeType: AttributeKind<TypeProto | undefined> = maybe(
  attributeTypes.typeProto,
  ({ tp }, where) => tp ?? absent(where),
);

/** Reads the attributes of a node by the kinds that its operator declares. */
export function readAttributes(
  kinds: AttributeKinds,
  attributes: readonly AttributeProto[],
  where: string,
  reader: AttributeReader,
): Readonly<Record<string, unknown>> {
  const found: Record<string, unknown> = Object.create(null);
  for (const attribute of attributes) {
    const name = attribute.name ?? "";
    const wanted = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (wanted === undefined)
      throw new HebbError(
        `${where} has the attribute ${JSON.stringify(name.slice(0, 60))}, which its operator does not take; it takes ${Object.keys(kinds).join(", ") || "none"}`,
      );
    if (name in found) throw new HebbError(`${where} has the attribute ${name} twice; the file is damaged`);
    const place = `the attribute ${name} of ${where}`;
    // Files of the first versions omit the type.
    if (attribute.type !== undefined && attribute.type !== 0 && attribute.type !== wanted.code)
      throw new HebbError(`${place} has the type ${attribute.type}, not ${wanted.code}; the file is damaged`);
    found[name] = wanted.read(attribute, place, reader);
  }
  for (const [name, { fallback }] of Object.entries(kinds)) {
    if (name in found) continue;
    if (fallback === undefined) throw new HebbError(`${where} lacks the attribute ${name}; the file is damaged`);
    found[name] = fallback.value;
  }
  return found;
}
