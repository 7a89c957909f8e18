// Compiled functions whose results stay in place: they are written into state cells, so that a run of hours allocates nothing on the device.
import { compile, State, type Tensor } from "../../src/index.ts";

const keyOf = (inputs: readonly Tensor[]): string => inputs.map(({ shape }) => shape.join()).join(" ");

/** Compiles `build` and copies its results out as float32. It must always be called in the same training mode. */
export function keptFloats(build: (...inputs: Tensor[]) => readonly Tensor[]): (...inputs: Tensor[]) => Float32Array[] {
  const cells = new Map<string, readonly State[]>();
  // Runs once for each set of shapes, while tracing: the program writes the cells made then.
  const run = compile((...inputs: Tensor[]) => {
    const made = build(...inputs).map((value) => ({ value, cell: new State(0, { shape: value.shape }) }));
    for (const { value, cell } of made) cell.assign(value);
    cells.set(
      keyOf(inputs),
      made.map(({ cell }) => cell),
    );
  });
  return (...inputs) => {
    run(...inputs);
    return (cells.get(keyOf(inputs)) ?? []).map((cell) => {
      const values = cell.dataSync();
      return values instanceof Float32Array ? values : Float32Array.from(values);
    });
  };
}

/** A compiled training step that reads its rows from a cell, so that a step makes no new tensor. */
export function rowStep(build: (rows: Tensor) => Tensor): (rows: Int32Array) => Tensor {
  const known = new Map<number, { readonly cell: State; readonly run: () => Tensor }>();
  return (rows) => {
    let own = known.get(rows.length);
    if (own === undefined) {
      const cell = new State(rows, { dtype: "int32" });
      own = { cell, run: compile(() => build(cell)) };
      known.set(rows.length, own);
    }
    own.cell.assign(rows);
    return own.run();
  };
}
