// The contents of a file of arrays, without loading its values.
import type { FileKind } from "../formats/index.ts";
import { kinds } from "../formats/kinds.ts";
import { withFile } from "../formats/openPath.ts";
import { storedTypes } from "../formats/stored/types.ts";
import { byteSize } from "../graph/dtype.ts";
import { sizeOf } from "../graph/shape.ts";

export interface ArrayInfo {
  readonly name: string;
  /** The element type in the file. */
  readonly type: string;
  readonly shape: readonly number[];
  /** Bytes in the file. */
  readonly bytes: number;
}

export interface FileReport {
  readonly path: string;
  readonly kind: FileKind;
  readonly title: string;
  /** Bytes of the file; if there are several, only of the index. */
  readonly bytes: number;
  readonly arrays: readonly ArrayInfo[];
  /** The number of values in all arrays. */
  readonly parameters: number;
  /** Bytes as tensors, if all are loaded. */
  readonly memory: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly facts: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
  readonly graph: readonly string[] | null;
  readonly flops: number | null;
}

/** Reads only the directory of the file. */
export const inspectFile = (path: string): Promise<FileReport> =>
  withFile(path, async ({ kind, size, arrays, metadata, facts, notes, graph, flops }) => {
    const listed = [...arrays].map(([name, { type, shape, byteLength }]) => ({ name, type, shape, bytes: byteLength }));
    let [parameters, memory] = [0, 0];
    for (const { dtype, shape } of arrays.values()) {
      parameters += sizeOf(shape);
      memory += sizeOf(shape) * byteSize(storedTypes[dtype].dtype);
    }
    return {
      path,
      kind,
      title: kinds[kind].title,
      bytes: size,
      arrays: listed,
      parameters,
      memory,
      metadata: Object.fromEntries(metadata),
      facts: Object.fromEntries(facts ?? []),
      notes,
      graph: graph ?? null,
      flops: flops ?? null,
    };
  });
