// A convolution or a pooling in close-up: the square of pixels, the kernel over it, and the position of the result.

import type { StepTrace } from "../../shared/steps.ts";
import * as say from "../../texts/en/step.ts";
import { short } from "../numbers.ts";
import { type Expr, leaf } from "./formula.ts";
import { MapPicture, type Mark, scaleOf } from "./MapPicture.tsx";
import type { Cursor, Stage } from "./path.ts";
import { fanIn, givenTo, kernelOf, kernelPlace, metBy, windowOf } from "./reading.ts";
import { Signs } from "./signs.ts";

interface Props {
  readonly step: StepTrace;
  readonly stage: Stage;
  readonly cursor: Cursor;
  readonly row: number;
}

function Grid({ name, cells, now }: { readonly name: string; readonly cells: readonly Expr[]; readonly now: number }) {
  const side = Math.round(Math.sqrt(cells.length));
  return (
    <figure class="kernel">
      <div class="cells" style={{ gridTemplateColumns: `repeat(${side}, 1fr)` }}>
        {cells.map((cell, k) => (
          <span key={k} class={k === now ? "now" : ""} data-at={cell.kind === "leaf" ? cell.at : undefined}>
            {cell.kind === "leaf" ? short(cell.value) : "0"}
          </span>
        ))}
      </div>
      <figcaption>{name}</figcaption>
    </figure>
  );
}

interface MapProps {
  readonly name: string;
  readonly values: Float32Array;
  readonly shape: readonly number[];
  readonly unit: number;
  readonly marks: readonly Mark[];
}

function Map({ name, values, shape, unit, marks }: MapProps) {
  const [, height = 1, width = 1] = shape;
  return (
    <figure>
      <MapPicture
        class="near"
        values={values}
        from={unit * height * width}
        height={height}
        width={width}
        scale={scaleOf(values)}
        marks={marks}
      />
      <figcaption>{name}</figcaption>
    </figure>
  );
}

export function CloseUp({ step, stage, cursor, row }: Props) {
  const own = step.layers[stage.layer];
  if (own === undefined || own.kind !== "conv") return null;
  const signs = new Signs(step, stage.layer, row);
  const slice = (values: Float32Array): Float32Array => {
    const size = values.length / step.rows;
    return values.subarray(row * size, (row + 1) * size);
  };
  const [, , width = 1] = own.shape;
  const given = givenTo(step, stage.layer);
  const [, , wide = 1] = given.shape;
  const side = kernelOf(own);
  const square = side ** 2;
  const { unit, spot } = cursor;
  const [y, x] = [Math.floor(spot / width), spot % width];
  if (stage.kind === "sum") {
    const k = Math.min(cursor.term, fanIn(own) - 1);
    const { channel } = kernelPlace(own, k);
    const at = cursor.term < fanIn(own) ? cursor.term - channel * square : -1;
    const cells = Array.from({ length: square }, (_, one) => channel * square + one);
    return (
      <div class="close-up">
        <Map
          name={`${given.letter}, map ${channel + 1}`}
          values={slice(given.numbers.values)}
          shape={given.shape}
          unit={channel}
          marks={[{ x: x - (side - 1) / 2, y: y - (side - 1) / 2, side }]}
        />
        <Grid
          name={say.pixels}
          cells={cells.map((one) => signs.source(metBy(step, stage.layer, spot, one)))}
          now={at}
        />
        <span aria-hidden="true">·</span>
        <Grid name={say.kernel} cells={cells.map((one) => signs.weight(unit, one))} now={at} />
        <span aria-hidden="true">→</span>
        <Map
          name={`z, map ${unit + 1}`}
          values={slice(own.z.values)}
          shape={own.shape}
          unit={unit}
          marks={[{ x, y, side: 1 }]}
        />
      </div>
    );
  }
  if (stage.kind === "pool" && own.pool !== undefined) {
    const [, , pooledWide = 1] = own.pool.shape;
    const [py, px] = [Math.floor(spot / pooledWide), spot % pooledWide];
    return (
      <div class="close-up">
        <Map
          name={`a, map ${unit + 1}`}
          values={slice(own.a.values)}
          shape={own.shape}
          unit={unit}
          marks={[{ x: px * own.pool.side, y: py * own.pool.side, side: own.pool.side }]}
        />
        <Grid
          name={say.window}
          cells={windowOf(own, spot).map((place) => signs.value("a", unit, place))}
          now={cursor.term}
        />
        <span aria-hidden="true">→</span>
        <Map
          name={`p, map ${unit + 1}`}
          values={slice(own.pool.values.values)}
          shape={own.pool.shape}
          unit={unit}
          marks={[{ x: px, y: py, side: 1 }]}
        />
      </div>
    );
  }
  if (stage.kind === "slope" && cursor.weight < fanIn(own)) {
    const { channel } = kernelPlace(own, cursor.weight);
    const place = Math.min(cursor.term, own.z.values.length / step.rows / own.units - 1);
    const met = metBy(step, stage.layer, place, cursor.weight);
    const gradient = Array.from({ length: square }, (_, one) => {
      const k = channel * square + one;
      return leaf({ letter: "g" }, own.weight.gradient.values[unit * fanIn(own) + k], `g${stage.layer}.${unit}.${k}`);
    });
    const [, height = 1] = given.shape;
    return (
      <div class="close-up">
        <Map
          name={`${given.letter}, map ${channel + 1}`}
          values={slice(given.numbers.values)}
          shape={given.shape}
          unit={channel}
          marks={met === undefined ? [] : [{ x: met % wide, y: Math.floor(met / wide) % height, side: 1 }]}
        />
        <span aria-hidden="true">·</span>
        <Map
          name={`δ, map ${unit + 1}`}
          values={slice(own.delta.values)}
          shape={own.shape}
          unit={unit}
          marks={[{ x: place % width, y: Math.floor(place / width), side: 1, backward: true }]}
        />
        <span aria-hidden="true">→</span>
        <Grid name={say.slopesOfTheKernel} cells={gradient} now={cursor.weight % square} />
      </div>
    );
  }
  return null;
}
