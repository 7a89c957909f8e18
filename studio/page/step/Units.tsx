// The units of the drawn step: a number or a map on each, with the current ones highlighted; a click on one moves there.

import { useMemo } from "preact/hooks";
import type { RunInfo } from "../../shared/protocol.ts";
import * as say from "../../texts/en/step.ts";
import type { Column } from "../draw/layout.ts";
import { exact } from "../numbers.ts";
import type { Leaf } from "./formula.ts";
import { brief, wideOf } from "./geometry.ts";
import { MapPicture, type Mark, scaleOf } from "./MapPicture.tsx";
import { goTo } from "./Player.tsx";
import type { Cursor, Path, Stage } from "./path.ts";
import { givenTo, kernelOf, metBy } from "./reading.ts";
import { type Scene, unitAt } from "./scene.ts";

const tintOf = (value: number, scale: number): string =>
  `color-mix(in srgb, var(--${value < 0 ? "low" : "high"}-fill) ${Math.round(Math.min(1, Math.abs(value) / scale) * 30)}%, var(--card))`;

interface Props {
  readonly path: Path;
  readonly info: RunInfo;
  readonly cursor: Cursor;
  readonly stage: Stage;

  readonly scene: Scene;
  readonly columns: readonly Column[];
}

export function Units({ scene, columns, path, info, cursor, stage }: Props) {
  const gap = (columns[1]?.x ?? 0) - (columns[0]?.x ?? 0);
  return (
    <div class="units" role="group" aria-label={say.unitsAClickGoesToWhat}>
      {columns.flatMap((column) => {
        const place = column.stage;
        const numbers = scene.numbers[place] ?? [];
        const map = scene.maps[place];
        const known = numbers.flatMap((one) => (one === undefined ? [] : [one.value]));
        const scale = scaleOf(map?.values ?? Float32Array.from(known));
        const name = place === 0 ? say.input : place === columns.length - 1 ? say.output : say.layer(place);
        return column.spots.map((spot, unit) => {
          const turn = scene.units.find((one) => one.column === place && (column.matrix || one.unit === unit))?.turn;
          const number = column.matrix ? undefined : numbers[unit];
          const width =
            column.matrix || info.stages[place]?.shape.length === 3
              ? spot.size
              : wideOf(spot, column.spots[0]?.x === column.spots.at(-1)?.x ? 0.7 * gap : 1.15 * spot.size);
          const title = column.matrix
            ? say.allOf(name)
            : place === 0
              ? (info.data.inputs[unit] ?? name)
              : say.neuronOf(name, unit + 1);
          return (
            <button
              key={`${place}.${unit}`}
              type="button"
              tabIndex={-1}
              class={`unit ${turn ?? ""} ${number?.at?.startsWith("m") && number.value === 0 ? "dropped" : ""} ${scene.units[0]?.column === place && stage.phase === "backward" ? "backward" : ""}`}
              data-at={number?.at}
              title={number === undefined ? title : `${title}: ${exact(number.value)}`}
              aria-label={number === undefined ? title : `${title}, ${brief(number.value)}`}
              style={{
                left: `${spot.x - width / 2}px`,
                top: `${spot.y - spot.size / 2}px`,
                width: `${width}px`,
                height: `${spot.size}px`,
                ...(number !== undefined && { background: tintOf(number.value, scale) }),
              }}
              onClick={() => {
                goTo(unitAt(path, cursor, place, column.matrix ? cursor.unit : unit));
              }}
            >
              {map !== undefined && (
                <MapPicture
                  values={map.values}
                  from={unit * map.height * map.width}
                  height={map.height}
                  width={map.width}
                  scale={scale}
                  marks={marksOn(path, stage, cursor, place, unit)}
                />
              )}
              {column.matrix && map === undefined && <Matrix numbers={numbers} scale={scale} />}
              {number !== undefined && spot.size >= 20 && brief(number.value)}
            </button>
          );
        });
      })}
    </div>
  );
}

/** A layer of many units, each a pixel. */
function Matrix({ numbers, scale }: { readonly numbers: readonly (Leaf | undefined)[]; readonly scale: number }) {
  const side = Math.ceil(Math.sqrt(numbers.length));
  const values = useMemo(() => {
    const padded = new Float32Array(side * side);
    numbers.forEach((number, k) => {
      padded[k] = number?.value ?? 0;
    });
    return padded;
  }, [numbers, side]);
  return <MapPicture values={values} from={0} height={side} width={side} scale={scale} />;
}

/** The position of the kernel on its input, and that of its result. */
function marksOn({ trace }: Path, stage: Stage, { unit, spot, term }: Cursor, column: number, shown: number): Mark[] {
  const step = trace.layers[stage.layer];
  if (step?.kind !== "conv") return [];
  const [, , width = 1] = step.shape;
  const [row, across] = [Math.floor(spot / width), spot % width];
  if (stage.kind === "sum" && column === stage.layer) {
    const side = kernelOf(step);
    const met = metBy(trace, stage.layer, spot, term);
    const [, height = 1, from = 1] = givenTo(trace, stage.layer).shape;
    const pixel = met === undefined ? [] : [{ x: met % from, y: Math.floor(met / from) % height, side: 1 }];
    const channel = Math.floor(term / side ** 2);
    return [{ x: across - (side - 1) / 2, y: row - (side - 1) / 2, side }, ...(channel === shown ? pixel : [])];
  }
  if (column !== stage.layer + 1 || shown !== unit) return [];
  if (stage.kind === "slope" || stage.kind === "update") return [];
  const backward = stage.phase === "backward";
  return [{ x: across, y: row, side: 1, backward }];
}
