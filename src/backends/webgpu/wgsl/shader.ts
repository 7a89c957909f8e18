// A kernel form as a WGSL shader over one buffer: prints the decisions of gpu/mapping.ts.

import type { Statement } from "../../../compiler/kernel.ts";
import { visitStores } from "../../../compiler/lower.ts";
import { at } from "../../../graph/at.ts";
import { byteSize, type ElementType } from "../../../graph/dtype.ts";
import type { KernelForm } from "../../analysis/kernelForms.ts";
import { extentOf } from "../../analysis/steps.ts";
import type { Mapping } from "../../gpu/mapping.ts";
import { writeBlocks } from "./blocks.ts";
import { writeMatrices } from "./matrices.ts";
import { combination } from "./operations.ts";
import { reduction, serialStatement, serialStatements, sharedType } from "./statements.ts";
import { writeTiles } from "./tiles.ts";
import { Writer } from "./writer.ts";

/** The text of the shader, without the library functions it calls; its entry point is `main`. */
export function shaderOf({ kernel, buffers }: KernelForm, mapping: Mapping): string {
  const w = new Writer(buffers);
  const shared: string[] = [];
  switch (mapping.kind) {
    case "points":
      w.line(`let point = i32(group * ${mapping.workgroup}u + lane);`);
      w.line(`if (point >= ${extentOf(mapping.kernel.axes)}i) { return; }`);
      w.bindAxes(mapping.kernel.axes, "point");
      serialStatements(w, mapping.kernel.body);
      break;
    case "rows":
      w.line("let point = i32(group);");
      w.bindAxes(mapping.kernel.axes, "point");
      for (const dtype of new Rows(w, mapping).statements(mapping.kernel.body))
        shared.push(`var<workgroup> shared_${dtype}: array<${sharedType(dtype)}, ${mapping.workgroup}>;`);
      break;
    case "tiles":
      shared.push(...writeTiles(w, mapping));
      break;
    case "matrices":
      shared.push(...writeMatrices(w, mapping));
      break;
    case "blocks":
      writeBlocks(w, mapping);
      break;
  }
  const checks = kernel.kind === "loops" && kernel.body.some((statement) => statement.kind === "check");
  const stores = new Set<ElementType>();
  visitStores(kernel, ({ buffer }) => stores.add(at(buffers, buffer).dtype));
  const narrow = [...stores].some((dtype) => byteSize(dtype) < 4);
  w.settleDoubles();
  const body = w.lines.join("\n");
  const own = `${shared.join("\n")}\n${w.doubles.declarations()}`;
  const { enabled, builtins } = extensionsOf(mapping, shared.length > 0);
  return `${enabled.map((name) => `enable ${name};\n`).join("")}${header(buffers.length, narrow, checks)}
${own}
@compute @workgroup_size(${mapping.workgroup})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>, @builtin(local_invocation_index) lane: u32${builtins.map((builtin) => `, ${builtin}: u32`).join("")}) {
  let group = id.y * count.x + id.x;
  if (group >= ${mapping.groups}u) { return; }
${checks ? "" : "  if (status[0] != 0u) { return; }\n"}${body}
}
`;
}

/** The extensions and builtins that the mapping needs. */
function extensionsOf(
  mapping: Mapping,
  shares: boolean,
): { readonly enabled: readonly string[]; readonly builtins: readonly string[] } {
  switch (mapping.kind) {
    case "rows":
      return mapping.subgroups && shares
        ? { enabled: ["subgroups"], builtins: ["@builtin(subgroup_size) subgroupSize"] }
        : { enabled: [], builtins: [] };
    case "tiles":
      return { enabled: mapping.halves ? ["f16"] : [], builtins: [] };
    case "matrices":
      return {
        enabled: ["f16", "subgroups", "chromium_experimental_subgroup_matrix"],
        builtins: ["@builtin(subgroup_id) part", "@builtin(subgroup_invocation_id) own"],
      };
    case "points":
    case "blocks":
      return { enabled: [], builtins: [] };
  }
}

/**
 * Bindings and memory access. One- and two-byte elements share a word, which other invocations may store at the same time. So
 * their bits change atomically, and the whole buffer is then an array of atomics.
 */
function header(buffers: number, narrow: boolean, checks: boolean): string {
  const words = narrow ? "atomic<u32>" : "u32";
  return `@group(0) @binding(0) var<storage, read_write> heap: array<${words}>;
@group(0) @binding(1) var<storage, ${checks ? "read_write" : "read"}> status: array<u32>;
@group(0) @binding(2) var<uniform> base: array<vec4<u32>, ${Math.max(1, Math.ceil(buffers / 4))}>;
fn readWord(place: u32) -> u32 { return ${narrow ? "atomicLoad(&heap[place])" : "heap[place]"}; }
fn writeWord(place: u32, value: u32) { ${narrow ? "atomicStore(&heap[place], value)" : "heap[place] = value"}; }
fn readDouble(place: u32) -> vec2<u32> { return vec2<u32>(readWord(place), readWord(place + 1u)); }
fn writeDouble(place: u32, value: vec2<u32>) { writeWord(place, value.x); writeWord(place + 1u, value.y); }
fn readPair(place: u32) -> i32 { return i32((readWord(place >> 1u) >> ((place & 1u) * 16u)) & 65535u); }
fn readByte(place: u32) -> i32 { return i32((readWord(place >> 2u) >> ((place & 3u) * 8u)) & 255u); }
${
  narrow
    ? `fn writeBits(word: u32, mask: u32, bits: u32) {
  atomicAnd(&heap[word], ~mask);
  atomicOr(&heap[word], bits);
}
fn writePair(place: u32, value: u32) {
  let shift = (place & 1u) * 16u;
  writeBits(place >> 1u, 65535u << shift, value << shift);
}
fn writeByte(place: u32, value: u32) {
  let shift = (place & 3u) * 8u;
  writeBits(place >> 2u, 255u << shift, value << shift);
}`
    : ""
}`;
}

/** Statements that a workgroup executes together. Stores of one invocation become visible to the others after a barrier. */
class Rows {
  readonly #w: Writer;
  readonly #size: number;
  readonly #subgroups: boolean;
  readonly #shared = new Set<ElementType>();

  constructor(w: Writer, { workgroup, subgroups }: Extract<Mapping, { kind: "rows" }>) {
    this.#w = w;
    this.#size = workgroup;
    this.#subgroups = subgroups;
  }

  /** Returns the dtypes it reduces; each needs an array in shared memory. */
  statements(body: readonly Statement[]): ReadonlySet<ElementType> {
    for (const statement of body) this.#statement(statement);
    return this.#shared;
  }

  #statement(statement: Statement): void {
    const w = this.#w;
    switch (statement.kind) {
      case "let":
        serialStatement(w, statement);
        break;
      case "reduce":
        this.#reduce(statement);
        break;
      case "for":
        if (statement.order === "parallel") {
          this.#barrier();
          this.#strided(statement.axes, () => serialStatements(w, statement.body));
          this.#barrier();
        } else this.#alone(statement);
        break;
      case "store":
      case "scan":
      case "check":
        this.#alone(statement);
        break;
    }
  }

  #barrier(): void {
    this.#w.line("workgroupBarrier();");
    this.#w.line("storageBarrier();");
  }

  #alone(statement: Statement): void {
    this.#barrier();
    this.#w.block("if (lane == 0u)", () => serialStatement(this.#w, statement));
    this.#barrier();
  }

  #strided(axes: Extract<Statement, { kind: "for" }>["axes"], body: () => void): void {
    const w = this.#w;
    const size = this.#size;
    const points = extentOf(axes);
    if (points === 0) return;
    const flat = w.fresh("e");
    w.block(`for (var ${flat} = i32(lane); ${flat} < ${points}i; ${flat} += ${size}i)`, () => {
      w.bindAxes(axes, flat);
      body();
    });
  }

  #reduce(statement: Extract<Statement, { kind: "reduce" }>): void {
    const w = this.#w;
    const size = this.#size;
    const { combine, local, axes } = statement;
    const { dtype } = local;
    this.#shared.add(dtype);
    const own = reduction(w, statement, (step) => this.#strided(axes, step), Math.ceil(extentOf(axes) / size));
    const memory = `shared_${dtype}`;
    const asShared = (value: string): string => (dtype === "bool" ? `select(0u, 1u, ${value})` : value);
    const element = (place: string): string =>
      dtype === "bool" ? `(${memory}[${place}] != 0u)` : `${memory}[${place}]`;
    const combined = (left: string, right: string): string => combination(combine, dtype, left, right);
    if (this.#subgroups) {
      const total = w.fresh("r");
      w.line(`var ${total} = ${asShared(own)};`);
      const asValue = (text: string): string => (dtype === "bool" ? `(${text} != 0u)` : text);
      w.block("for (var far = 1u; far < subgroupSize; far <<= 1u)", () => {
        w.line(`let other = subgroupShuffleXor(${total}, far);`);
        w.line(`${total} = ${asShared(combined(asValue(total), asValue("other")))};`);
      });
      w.line(`if (lane % subgroupSize == 0u) { ${memory}[lane / subgroupSize] = ${total}; }`);
      w.line("workgroupBarrier();");
      w.line(`${total} = ${memory}[0];`);
      w.block(`for (var k = 1u; k < ${size}u / subgroupSize; k++)`, () =>
        w.line(`${total} = ${asShared(combined(asValue(total), element("k")))};`),
      );
      w.line(`let ${w.rename(local.id)} = ${asValue(total)};`);
      this.#barrier();
      return;
    }
    w.line(`${memory}[lane] = ${asShared(own)};`);
    w.line("workgroupBarrier();");
    for (let half = size / 2; half >= 1; half /= 2) {
      w.block(`if (lane < ${half}u)`, () =>
        w.line(`${memory}[lane] = ${asShared(combined(element("lane"), element(`lane + ${half}u`)))};`),
      );
      w.line("workgroupBarrier();");
    }
    w.line(`let ${w.rename(local.id)} = ${element("0")};`);
    this.#barrier();
  }
}
