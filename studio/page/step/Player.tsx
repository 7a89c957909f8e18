// Moves through a step: term by term with keys and buttons, or as a film.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import * as say from "../../texts/en/step.ts";
import { Icon } from "../icons.tsx";
import { localKeys } from "../shortcuts.ts";
import { look, spoken } from "../store.ts";
import { type Cursor, type Path, printCursor } from "./path.ts";

/** Terms a second. */
const paces = [1, 3, 8, 20] as const;
const pace = signal<number>(3);
const filming = signal(false);

const go = (cursor: Cursor | undefined): void => {
  if (cursor !== undefined) look({ term: printCursor(cursor) });
};

/** Moves to a position by hand, which ends the film. */
export function goTo(cursor: Cursor | undefined): void {
  filming.value = false;
  go(cursor);
}

export function useFilm(path: Path, cursor: Cursor): void {
  const latest = useRef(cursor);
  latest.current = cursor;
  const on = filming.value;
  const speed = pace.value;
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => {
      const next = path.film(latest.current);
      if (next === undefined) filming.value = false;
      go(next);
    }, 1000 / speed);
    return () => clearInterval(timer);
  }, [path, on, speed]);
  useEffect(
    () => () => {
      filming.value = false;
    },
    [],
  );
}

/** Keys on this surface move through the step, not through the training. */
export function useKeys(path: Path, cursor: Cursor): void {
  const latest = useRef(cursor);
  latest.current = cursor;
  useEffect(() => {
    const by = (move: (cursor: Cursor) => Cursor | undefined) => () => {
      goTo(move(latest.current));
    };
    localKeys.value = new Map([
      ["ArrowRight", by((at) => path.next(at))],
      ["ArrowLeft", by((at) => path.previous(at))],
      ["ArrowDown", by((at) => path.unit(at, 1))],
      ["ArrowUp", by((at) => path.unit(at, -1))],
      [".", by((at) => path.operation(at, 1))],
      [",", by((at) => path.operation(at, -1))],
      [" ", () => film(path, latest.current)],
    ]);
    return () => {
      localKeys.value = new Map();
    };
  }, [path]);
}

/** Starts the film at the cursor; at the end, from the beginning. */
function film(path: Path, cursor: Cursor): void {
  if (!filming.value && path.film(cursor) === undefined) look({ term: "" });
  filming.value = !filming.value;
  spoken.value = filming.value ? say.theStepIsBeingPlayed : "";
}

export function Player({ path, cursor }: { readonly path: Path; readonly cursor: Cursor }) {
  const on = filming.value;
  const button = (label: string, keys: string, sign: string, to: () => Cursor | undefined) => (
    <button type="button" class="small" aria-label={label} title={`${label} (${keys})`} onClick={() => goTo(to())}>
      {sign}
    </button>
  );
  return (
    <div class="row player" role="group" aria-label={say.terms}>
      {button(say.previousOperation, ",", "«", () => path.operation(cursor, -1))}
      {button(say.previousTerm, "←", "‹", () => path.previous(cursor))}
      <button type="button" class="small accent" aria-pressed={on} title={say.space} onClick={() => film(path, cursor)}>
        <Icon name={on ? "pause" : "play"} /> {on ? say.pause : say.playTheStep}
      </button>
      {button(say.nextTerm, "→", "›", () => path.next(cursor))}
      {button(say.nextOperation, ".", "»", () => path.operation(cursor, 1))}
      <label class="speed">
        <span class="unseen">{say.termsASecond}</span>
        <select
          value={String(pace.value)}
          onChange={({ currentTarget }) => {
            pace.value = Number(currentTarget.value);
          }}
        >
          {paces.map((one) => (
            <option key={one} value={String(one)}>
              {say.aSecond(one)}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
