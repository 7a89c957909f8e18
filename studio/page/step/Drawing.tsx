// The network of a step: numbers on its units, with the current path highlighted, by hand or as a film.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { activations } from "../../shared/names.ts";
import type { RunInfo } from "../../shared/protocol.ts";
import * as say from "../../texts/en/step.ts";
import { Canvas, type Surface } from "../draw/canvas.tsx";
import { colors } from "../draw/colors.ts";
import { type Column, layoutNetwork, type Spot } from "../draw/layout.ts";
import { drawConnections } from "../draw/network.ts";
import { exact, sub } from "../numbers.ts";
import { state } from "../store.ts";
import { bend, brief, curve, type Edge, edgeUnder, endsOf, leastPitch, roomFor } from "./geometry.ts";
import { goTo, Player, useFilm, useKeys } from "./Player.tsx";
import { type Cursor, type Path, printCursor, type Stage } from "./path.ts";
import { edgeAt, type Scene, sceneOf, type Turn } from "./scene.ts";
import { Units } from "./Units.tsx";

const lossRoom = 64;

/** The most edges highlighted one by one; of more, those near the current one. */
const mostLit = 400;

function LitEdges({
  scene,
  columns,
  loss,
}: {
  readonly scene: Scene;
  readonly columns: readonly Column[];
  readonly loss: Spot;
}) {
  const order: Readonly<Record<Turn, number>> = { ahead: 0, done: 1, now: 2 };
  const edges = [...scene.edges]
    .sort((a, b) => order[b.turn] - order[a.turn])
    .slice(0, mostLit)
    .reverse();
  return (
    <svg class="lit-edges" aria-hidden="true">
      {edges.map((edge) => {
        const ends = endsOf(columns, loss, edge);
        return (
          ends && (
            <path
              key={`${edge.column} ${edge.from} ${edge.to}`}
              class={`${edge.turn} ${edge.backward ? "backward" : ""}`}
              d={curve(ends)}
            />
          )
        );
      })}
    </svg>
  );
}

/** The current edge's number, on the edge. */
function EdgeLabel({
  scene,
  columns,
  loss,
}: {
  readonly scene: Scene;
  readonly columns: readonly Column[];
  readonly loss: Spot;
}) {
  const now = scene.edges.find(({ turn }) => turn === "now");
  const ends = now && endsOf(columns, loss, now);
  if (ends === undefined || scene.label === undefined) return null;
  // Closer to its target, so that it is apart from its neighbours' other ends.
  const t = now?.backward === true ? 0.7 : 0.3;
  const [x, y] = [ends.x0 + (ends.x1 - ends.x0) * t, bend(ends.y0, ends.y1, t)];
  return (
    <span class="edge-label" data-at={scene.label.at} style={{ left: `${x}px`, top: `${y}px` }}>
      {exact(scene.label.value)}
    </span>
  );
}

/** Names above the columns. */
function Heads({
  columns,
  info,
  loss,
}: {
  readonly columns: readonly Column[];
  readonly info: RunInfo;
  readonly loss: Spot;
}) {
  const { layers } = state.value;
  const title = (place: number): readonly [string, string] => {
    if (place === 0) return ["inputs", ""];
    if (place === columns.length - 1)
      return ["output", info.data.task === "classes" ? "softmax" : info.data.task === "binary" ? "sigmoid" : ""];
    const layer = layers[place - 1];
    return [say.layer(place), layer === undefined ? "" : activations[layer.activation].title];
  };
  return (
    <>
      {columns.map((column, place) => {
        const [name, more] = title(place);
        return (
          <span class="column-head" key={place} style={{ left: `${column.x}px` }}>
            {name}
            <small>{more}</small>
          </span>
        );
      })}
      <span class="column-head" style={{ left: `${loss.x}px` }}>
        {say.loss}
      </span>
    </>
  );
}

interface NamesProps {
  readonly columns: readonly Column[];
  readonly info: RunInfo;
}

/** Names below inputs and outputs. */
function Names({ columns, info }: NamesProps) {
  const { inputs, classes, task, inputShape } = info.data;
  const [first, last] = [columns[0], columns.at(-1)];
  // As wide as the room to the left of its centre.
  const label = (text: string, { x, y, size }: Spot) => (
    <span
      class="unit-name"
      key={`${x} ${y}`}
      title={text}
      style={{ left: `${x}px`, top: `${y + size / 2 + 1}px`, maxWidth: `${Math.min(84, 2 * x)}px` }}
    >
      {text}
    </span>
  );
  const few = (column: Column | undefined): readonly Spot[] =>
    column === undefined || column.matrix || column.spots.length > 8 ? [] : column.spots;
  return (
    <>
      {inputShape.length === 1 && few(first).map((spot, k) => label(inputs[k] ?? `x${sub(k + 1)}`, spot))}
      {task === "classes" && few(last).map((spot, k) => label(classes[k] ?? "", spot))}
    </>
  );
}

/** Calls `act` with a clicked edge; the keys reach it too. */
function useEdges(columns: readonly Column[], act: (edge: Edge) => void) {
  const ref = useRef<HTMLDivElement>(null);
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const under = ({ clientX, clientY, target }: MouseEvent): Edge | undefined => {
      if (target instanceof HTMLButtonElement) return undefined;
      const { left, top } = element.getBoundingClientRect();
      return edgeUnder(columns, clientX - left, clientY - top);
    };
    const click = (event: MouseEvent): void => {
      const edge = under(event);
      if (edge !== undefined) latest.current(edge);
    };
    const move = (event: MouseEvent): void => {
      element.classList.toggle("on-edge", under(event) !== undefined);
    };
    element.addEventListener("click", click);
    element.addEventListener("pointermove", move);
    return () => {
      element.removeEventListener("click", click);
      element.removeEventListener("pointermove", move);
    };
  }, [columns]);
  return ref;
}

interface Props {
  readonly path: Path;
  readonly info: RunInfo;
  readonly cursor: Cursor;
  readonly stage: Stage;
}

export function Drawing({ path, info, cursor, stage }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = (): void => setRoom(element.clientWidth);
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  useFilm(path, cursor);
  useKeys(path, cursor);
  const { gap, height } = roomFor(info.stages);
  const width = Math.max(room, info.stages.length * gap + lossRoom);
  const columns = useMemo(() => layoutNetwork(info.stages, width - lossRoom, height, leastPitch), [info, width]);
  const loss: Spot = { x: width - lossRoom / 2 - 4, y: height / 2, size: 50 };
  const chosenRow = state.value.row;
  const scene = useMemo(() => sceneOf(path, cursor, chosenRow), [path, printCursor(cursor), chosenRow]);
  const { trace } = path;
  const paint = ({ context }: Surface): void => {
    context.globalAlpha = 1;
    for (let place = 1; place < columns.length; place++) {
      const [from, to] = [columns[place - 1], columns[place]];
      const weights = trace.layers[place - 1]?.weight.value.values;
      if (from !== undefined && to !== undefined && weights !== undefined)
        drawConnections(context, [from, to], weights, colors.value, { stage: -1, unit: -1 });
    }
  };
  // Keeps highlighted parts in view where the drawing is wider than its container.
  useEffect(() => {
    const element = box.current;
    const at = columns[stage.layer + 1]?.x;
    if (element === null || at === undefined || width <= room) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    element.scrollTo({ left: at - room / 2, behavior: calm ? "auto" : "smooth" });
  }, [stage.layer, stage.phase, room]);
  const canvas = useEdges(columns, (edge) => {
    goTo(edgeAt(path, cursor, edge.column, edge.from, edge.to));
  });
  return (
    <section class="panel drawing" aria-label={say.theStepOnTheNetwork}>
      <header>
        <h2>{stage.title}</h2>
        <Player path={path} cursor={cursor} />
      </header>
      <div class="path-scroll" ref={box} tabIndex={0} role="region" aria-label={say.theNetworkOfTheStep}>
        <div class={`path-stage ${stage.phase}`} style={{ width: `${width}px`, height: `${height + 34}px` }}>
          <Heads columns={columns} info={info} loss={loss} />
          <div class="path-canvas" ref={canvas} style={{ height: `${height}px` }}>
            <Canvas paint={paint} />
            <LitEdges scene={scene} columns={columns} loss={loss} />
            <Units path={path} info={info} cursor={cursor} stage={stage} scene={scene} columns={columns} />
            <button
              type="button"
              tabIndex={-1}
              class={`unit loss ${stage.kind === "loss" ? "now" : ""}`}
              style={{ left: `${loss.x - 25}px`, top: `${loss.y - 25}px`, width: "50px", height: "50px" }}
              data-at={scene.loss?.at}
              aria-label={scene.loss === undefined ? say.lTheLoss : say.loss2(brief(scene.loss.value))}
              onClick={(event) => {
                event.stopPropagation();
                goTo({ stage: "loss", unit: 0, spot: 0, weight: 0, term: 0 });
              }}
            >
              {scene.loss === undefined ? "L" : brief(scene.loss.value)}
            </button>
            <Names columns={columns} info={info} />
            <EdgeLabel scene={scene} columns={columns} loss={loss} />
          </div>
        </div>
      </div>
      <p class="hint keys">
        <kbd>←</kbd> <kbd>→</kbd> {say.aTerm}, <kbd>↑</kbd> <kbd>↓</kbd> {say.aUnit}, <kbd>,</kbd> <kbd>.</kbd>{" "}
        {say.anOperation}, <kbd>{say.space}</kbd> {say.playAndClicks}{" "}
        {say.rowOfWithTarget(
          scene.row + 1,
          trace.rows,
          `${info.data.target}: ${info.data.task === "number" ? exact(scene.target.value) : info.data.classes[scene.target.value]}`,
        )}
      </p>
    </section>
  );
}
