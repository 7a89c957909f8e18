// How a module prints: its class with its arguments, and its submodules, indented.
import { formatShape } from "../graph/shape.ts";
import { Tensor } from "../tensor/index.ts";

const longest = 60;

/** A value that fits on the line; undefined for others. */
function shown(value: unknown): string | undefined {
  if (typeof value === "number") return String(Number(value.toPrecision(6)));
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return JSON.stringify(value.length > longest ? `${value.slice(0, longest)}…` : value);
  if (value instanceof Tensor) return formatShape(value.shape);
  if (!Array.isArray(value)) return undefined;
  const parts = value.map(shown);
  if (parts.includes(undefined)) return undefined;
  const text = `[${parts.join(", ")}]`;
  return text.length > longest ? `[${value.length} values]` : text;
}

/** `name: value` for each field that has a short text. */
export function listed(values: object): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    // hebb's layers keep optional arguments in a field of this name.
    if (name === "options" && typeof value === "object" && value !== null) return listed(value);
    const text = shown(value);
    return text === undefined ? [] : [value instanceof Tensor ? `${name} ${text}` : `${name}: ${text}`];
  });
}

/** The same, without fields that have their default value. */
export function listedUnless(values: object, defaults: Readonly<Record<string, unknown>>): string[] {
  return listed(Object.fromEntries(Object.entries(values).filter(([name, value]) => value !== defaults[name])));
}

/** The dtype of parameters, if it is not the default. */
export const dtypeOf = (parameter: Tensor | undefined): string[] =>
  parameter === undefined || parameter.dtype === "float32" ? [] : [parameter.dtype];

/** The common part of layers with a weight and an optional bias: `4 → 8, no bias, float64`. */
export function fromTo(
  from: number | string,
  to: number | string,
  { weight, bias }: { readonly weight: Tensor; readonly bias: Tensor | undefined },
  more: readonly string[] = [],
): string {
  return [`${from} → ${to}`, ...more, ...(bias === undefined ? ["no bias"] : []), ...dtypeOf(weight)].join(", ");
}

/** Deeper levels are omitted. */
const mostLevels = 48;

/** A module, as used for printing. */
interface Printed {
  extraRepr(): string;
  namedChildren(): [name: string, child: Printed][];
}

/** Lines for a module and its submodules. Equal neighbours with numbers for names share their lines. */
export function printModule(module: Printed, above: readonly Printed[] = []): string {
  const kind = module.constructor.name;
  if (above.includes(module)) return `${kind}(… again)`;
  if (above.length > mostLevels) return `${kind}(…)`;
  const own = module.extraRepr();
  const children = module.namedChildren().map(([name, child]) => ({
    first: name,
    last: name,
    count: 1,
    text: printModule(child, [...above, module]),
  }));
  const lines: typeof children = [];
  for (const child of children) {
    const before = lines.at(-1);
    if (before !== undefined && before.text === child.text && /^(.*\.)?\d+$/.test(child.first)) {
      before.last = child.last;
      before.count++;
    } else lines.push(child);
  }
  if (lines.length === 0) return `${kind}(${own})`;
  const body = lines.map(({ first, last, count, text }) => {
    const name = count === 1 ? `(${first}): ` : `(${first} … ${last}): ${count} × `;
    return `  ${name}${text.replaceAll("\n", "\n  ")}\n`;
  });
  return `${kind}(\n${own === "" ? "" : `  ${own}\n`}${body.join("")})`;
}
