// The network: the canvas, a button over every neuron for pointers and keys, and the controls of each layer above it.

import { signal } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { activationNames, activations } from "../../shared/names.ts";
import type { RunInfo } from "../../shared/protocol.ts";
import { type Layer, mostLayers, mostUnits, type StudioState } from "../../shared/state.ts";
import * as say from "../../texts/en/lab.ts";
import { Canvas, type Surface } from "../draw/canvas.tsx";
import { colors } from "../draw/colors.ts";
import { type Column, centreOf, gapOf, layoutNetwork } from "../draw/layout.ts";
import { type Chosen, drawNetwork } from "../draw/network.ts";
import { Icon } from "../icons.tsx";
import { grouped, sub } from "../numbers.ts";
import { change, ensemble, hot, own, playing, run, state } from "../store.ts";
import { Choice, Stepper } from "./controls.tsx";

/** The layer under the pointer or the focus: its line in the code is highlighted. */
export const litLayer = signal(-1);

/** The neuron under the pointer or with the keyboard focus: the output shows its map. */
export const lookedAt = signal<Chosen | undefined>(undefined);

export function chosenUnit(selected: string): Chosen | undefined {
  const match = /^(\d+)\.(\d+)$/.exec(selected);
  return match === null ? undefined : { stage: Number(match[1]), unit: Number(match[2]) };
}

const setLayers = (layers: readonly Layer[]): void => change({ layers, edits: [], selected: "" });

function withLayer(place: number, patch: Partial<Layer>): Layer[] {
  return state.value.layers.map((layer, k) => (k === place ? { ...layer, ...patch } : layer));
}

function addUnits(place: number, by: number): void {
  const layer = state.value.layers[place];
  if (layer !== undefined) setLayers(withLayer(place, { units: Math.max(1, Math.min(mostUnits, layer.units + by)) }));
}

/** Whether a layer inserted here is a convolution: on images, before the first dense layer, but not as the last of several. */
function convolves(place: number): boolean {
  const { data, layers } = state.value;
  // Depends on the state, because the run may still be the previous one, on other data.
  const pictures = data === "digits" || (data === "own" && own.value?.kind === "images");
  return (
    pictures && layers.slice(0, place).every(({ kind }) => kind === "conv") && (place === 0 || place < layers.length)
  );
}

/** A new layer like its neighbour. */
function insertLayer(place: number): void {
  const { layers } = state.value;
  const like = layers[place - 1] ?? layers[place];
  const conv = convolves(place);
  const fresh: Layer = {
    kind: conv ? "conv" : "dense",
    units: conv ? 8 : Math.min(like?.kind === "conv" ? 16 : (like?.units ?? 6), 16),
    activation: like?.activation ?? "tanh",
  };
  setLayers([...layers.slice(0, place), fresh, ...layers.slice(place)]);
}

/** The names of a convolution's units. */
const mapsOf = (units: number): string => (units === 1 ? say.map : say.maps);

function LayerHead({ layer, place, x }: { readonly layer: Layer; readonly place: number; readonly x: number }) {
  const name = say.layer2(place + 1);
  return (
    <div
      class={`layer-head ${litLayer.value === place ? "lit" : ""}`}
      data-name={name}
      style={{ left: `${x}px` }}
      onPointerEnter={() => {
        litLayer.value = place;
      }}
      onPointerLeave={() => {
        litLayer.value = -1;
      }}
      onFocusIn={() => {
        litLayer.value = place;
      }}
      onFocusOut={() => {
        litLayer.value = -1;
      }}
    >
      <Stepper
        label={say.ofWord(layer.kind === "conv" ? say.maps : say.units, name)}
        value={layer.units}
        least={1}
        most={mostUnits}
        unit={layer.kind === "conv" ? mapsOf(layer.units) : ""}
        step={(by) => addUnits(place, by)}
      />
      <Choice
        hidden
        label={say.activationOf(name)}
        value={layer.activation}
        options={activationNames.map((activation) => [activation, activations[activation].title])}
        // The members of an ensemble have one activation for all layers.
        choose={(activation) =>
          setLayers(
            ensemble.value === undefined
              ? withLayer(place, { activation })
              : state.value.layers.map((one) => ({ ...one, activation })),
          )
        }
      />
      <button
        type="button"
        class="remove"
        aria-label={say.remove(name)}
        title={say.remove(name)}
        onClick={() => setLayers(state.value.layers.filter((_, k) => k !== place))}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}

/** The sizes of the input and of each layer: 12 × 12 → 8 maps → 10. */
const shapeOf = ({ data, stages }: RunInfo): string =>
  stages
    .map(({ kind, units }, stage) =>
      stage === 0 && data.inputShape.length > 1
        ? data.inputShape.slice(-2).join(" × ")
        : kind === "conv"
          ? `${units} ${mapsOf(units)}`
          : String(units),
    )
    .join(" → ");

const stageName = (info: RunInfo, stage: number): string =>
  stage === 0 ? say.input : stage === info.stages.length - 1 ? say.output2 : say.layer3(stage);

/** One button over each neuron; arrow keys move between them, + and − change the layer. */
function Neurons({ columns, info }: { readonly columns: readonly Column[]; readonly info: RunInfo }) {
  const box = useRef<HTMLDivElement>(null);
  const chosen = chosenUnit(state.value.selected);
  const focusAt = chosen ?? { stage: 1, unit: 0 };
  const go = (stage: number, unit: number): void => {
    const column = columns[Math.max(0, Math.min(columns.length - 1, stage))];
    if (column === undefined) return;
    const at = Math.max(0, Math.min(column.spots.length - 1, unit));
    box.current?.querySelector<HTMLButtonElement>(`[data-at="${column.stage}.${at}"]`)?.focus();
  };
  const key = (event: KeyboardEvent, stage: number, unit: number): void => {
    const layer = state.value.layers[stage - 1];
    const moves: Readonly<Record<string, () => void>> = {
      ArrowUp: () => go(stage, unit - 1),
      ArrowDown: () => go(stage, unit + 1),
      ArrowLeft: () => go(stage - 1, unit),
      ArrowRight: () => go(stage + 1, unit),
      "+": () => addUnits(stage - 1, 1),
      "-": () => addUnits(stage - 1, -1),
      Insert: () => insertLayer(stage),
      Delete: () => layer && setLayers(state.value.layers.filter((_, k) => k !== stage - 1)),
      Escape: () => change({ selected: "" }),
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  };
  return (
    <div class="neurons" ref={box} role="group" aria-label={say.neuronsArrowsMoveEnterSelectsPlus} data-arrows>
      {columns.flatMap(({ stage, spots, matrix }) =>
        spots.map(({ x, y, size }, unit) => {
          const at = `${stage}.${unit}`;
          const name = matrix ? say.allOf(stageName(info, stage)) : say.neuronOf(stageName(info, stage), unit + 1);
          const inputName = stage === 0 ? info.data.inputs[unit] : undefined;
          return (
            <button
              key={at}
              type="button"
              class="neuron"
              data-at={at}
              tabIndex={focusAt.stage === stage && focusAt.unit === unit ? 0 : -1}
              aria-pressed={state.value.selected === at}
              aria-label={inputName === undefined ? name : say.input2(inputName)}
              style={{ left: `${x - size / 2}px`, top: `${y - size / 2}px`, width: `${size}px`, height: `${size}px` }}
              onClick={() => change({ selected: state.value.selected === at ? "" : at })}
              onKeyDown={(event) => key(event, stage, unit)}
              title={inputName ?? (stage === columns.length - 1 && !matrix ? info.data.classes[unit] : undefined)}
              onPointerEnter={() => {
                litLayer.value = stage - 1;
                if (!matrix) lookedAt.value = { stage, unit };
              }}
              onPointerLeave={() => {
                litLayer.value = -1;
                lookedAt.value = undefined;
              }}
              onFocus={({ currentTarget }) => {
                if (!matrix && currentTarget.matches(":focus-visible")) lookedAt.value = { stage, unit };
              }}
              onBlur={() => {
                lookedAt.value = undefined;
              }}
            />
          );
        }),
      )}
    </div>
  );
}

/** The columns of many inputs: each next to its inputs, or as a list if there are too many to draw. */
function InputNames({ info, column, gap }: { readonly info: RunInfo; readonly column: Column; readonly gap: number }) {
  const { inputs, groups } = info.data;
  const all = groups.length > 0 ? groups : inputs.map((name, from) => ({ name, from, count: 1 }));
  const told = ({ name, count }: { name: string; count: number }): string => (count > 1 ? `${name} (${count})` : name);
  const title = (group: { name: string; from: number; count: number }): string =>
    inputs.slice(group.from, group.from + Math.min(group.count, 30)).join("\n");
  if (column.matrix)
    return (
      <div
        class="input-list"
        style={{ width: `${Math.max(72, Math.min(gap * 0.72, 170))}px` }}
        tabIndex={0}
        role="region"
        aria-label={say.inputsFromColumns(inputs.length, all.length)}
      >
        <ul>
          {all.map((group) => (
            <li key={group.from} title={title(group)}>
              {told(group)}
            </li>
          ))}
        </ul>
      </div>
    );
  // Names need separate lines, as many as fit.
  const middle = ({ from, count }: { from: number; count: number }): number =>
    ((column.spots[from]?.y ?? 0) + (column.spots[from + count - 1]?.y ?? 0)) / 2;
  let last = Number.NEGATIVE_INFINITY;
  return (
    <>
      {all.map((group) => {
        const y = Math.max(middle(group), last + 11);
        last = y;
        return (
          <span
            key={group.from}
            class="input-name"
            title={title(group)}
            style={{ left: `${column.x + 28}px`, top: `${y}px`, maxWidth: `${Math.max(40, gap - 60)}px` }}
          >
            {told(group)}
          </span>
        );
      })}
    </>
  );
}

/** Names next to inputs, results next to the output. */
function Names({ columns, info }: { readonly columns: readonly Column[]; readonly info: RunInfo }) {
  const [first, last] = [columns[0], columns.at(-1)];
  if (first === undefined || last === undefined) return null;
  const { inputs, classes, target, inputShape } = info.data;
  const label = (text: string, { x, y, size }: { x: number; y: number; size: number }) => (
    <span class="unit-name" key={`${text} ${y}`} title={text} style={{ left: `${x}px`, top: `${y + size / 2 + 1}px` }}>
      {text}
    </span>
  );
  return (
    <>
      {inputShape.length === 1 &&
        (first.spots.length <= 8 && !first.matrix ? (
          first.spots.map((spot, k) => label(inputs[k] ?? `x${sub(k + 1)}`, spot))
        ) : (
          <InputNames info={info} column={first} gap={columns.length > 1 ? (columns[1]?.x ?? 0) - first.x : 120} />
        ))}
      {last.spots.length <= 8
        ? last.spots.map((spot, k) => label(last.spots.length === 1 ? target : (classes[k] ?? ""), spot))
        : classes.every((name) => name.length <= 3) &&
          last.spots.map(({ x, y }, k) => (
            <span class="unit-mark" key={classes[k]} style={{ left: `${x}px`, top: `${y}px` }}>
              {classes[k]}
            </span>
          ))}
    </>
  );
}

const told = ({ ensemble }: StudioState): string =>
  ensemble === undefined ? "" : say.membersShareTheWeightsASquare(ensemble.members);

/** What a square of the network shows. */
const squares = (info: RunInfo | undefined): string =>
  info !== undefined && (info.data.inputShape.length > 1 || state.value.data === "words")
    ? say.toOneSample
    : say.overTheMap;

export function Network() {
  const info = run.value;
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    // In a hidden tab it has no size, so it keeps the last one.
    const measure = (): void => {
      const { clientWidth: width, clientHeight: height } = element;
      if (width > 0 && height > 0) setSize({ width, height });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  const columns = info === undefined || size.width === 0 ? [] : layoutNetwork(info.stages, size.width, size.height);
  const { layers } = state.value;
  const chosen = chosenUnit(state.value.selected);
  const paint = (surface: Surface): void => {
    const { snapshot } = hot;
    if (snapshot === undefined || info === undefined || snapshot.layers.length !== columns.length - 1) return;
    drawNetwork(
      surface,
      columns,
      { snapshot, info: info.data },
      { palette: colors.value, chosen, playing: playing.peek() },
    );
  };
  // Known before the worker has made the network, so that the heads of the layers do not move.
  const stages = layers.length + 2;
  const gap = gapOf(stages, size.width);
  const stacked = gap < 118 && size.width > 0;
  return (
    <section class="panel network" id="part-Network" aria-labelledby="network-title">
      <header>
        <h2 id="network-title">{say.network2}</h2>
        <p class="hint">
          {info === undefined ? "" : say.parameters(shapeOf(info), grouped(info.parameters), told(state.value))}
        </p>
      </header>
      <div class={`layer-heads ${stacked ? "stacked" : ""}`}>
        {size.width > 0 &&
          layers.map((layer, place) => (
            <LayerHead key={place} layer={layer} place={place} x={centreOf(place + 1, stages, size.width)} />
          ))}
        {size.width > 0 &&
          layers.length < mostLayers &&
          Array.from({ length: layers.length + 1 }, (_, place) => (
            <button
              key={`add${place}`}
              type="button"
              class="add-layer"
              style={{ left: `${centreOf(place, stages, size.width) + gap / 2}px` }}
              aria-label={place === 0 ? say.addALayerAfterTheInputs : say.addALayerAfterLayer(place)}
              title={convolves(place) ? say.addAConvolutionHere : say.addALayerHere}
              onClick={() => insertLayer(place)}
            >
              <Icon name="plus" />
            </button>
          ))}
      </div>
      <div class="stage" ref={box}>
        <Canvas paint={paint} />
        {info !== undefined && <Neurons columns={columns} info={info} />}
        {info !== undefined && <Names columns={columns} info={info} />}
      </div>
      <p class="legend signs">
        <span class="line high">{say.weightAbove0}</span> <span class="line low">{say.below0}</span>{" "}
        <span>{say.thickerLarger}</span> <span>{say.squareTheNeuronsAnswer(squares(info))}</span>
      </p>
    </section>
  );
}
