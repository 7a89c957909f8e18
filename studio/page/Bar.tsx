// The bar at the top: surfaces, transport, training progress, and page controls.
import { useEffect, useRef } from "preact/hooks";
import { speeds, surfaces } from "../shared/names.ts";
import { theme } from "./draw/colors.ts";
import { Icon, type IconName } from "./icons.tsx";
import { grouped, percent, short } from "./numbers.ts";
import { nextTheme, paletteOpen, share, shared, surfaceTitle } from "./shortcuts.ts";
import { advance, change, goTo, hot, newSeed, onPicture, play, playing, rewind, run, state, surface } from "./store.ts";

interface ButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly keys?: string;
  readonly act: () => void;
  readonly class?: string;
}

export function IconButton({ icon, label, keys, act, class: name }: ButtonProps) {
  return (
    <button
      type="button"
      class={`iconic ${name ?? ""}`}
      aria-label={label}
      title={keys === undefined ? label : `${label} (${keys})`}
      onClick={act}
    >
      <Icon name={icon} />
    </button>
  );
}

function Surfaces() {
  return (
    <nav class="surfaces" aria-label="Surfaces">
      {surfaces.map((name) => (
        <button
          key={name}
          type="button"
          aria-current={surface.value === name ? "page" : undefined}
          onClick={() => change({ surface: name })}
        >
          {surfaceTitle(name)}
        </button>
      ))}
    </nav>
  );
}

/** Numbers that change with every picture are written into their places, without the framework. */
export function Gauges() {
  const box = useRef<HTMLDListElement>(null);
  const info = run.value;
  useEffect(() => {
    const write = (): void => {
      const { snapshot } = hot;
      const cells = box.current?.querySelectorAll("dd");
      if (snapshot === undefined || cells === undefined) return;
      const { train, test } = snapshot.now;
      const number = info?.data.task === "number";
      const figures = [
        grouped(Math.floor(snapshot.epoch)),
        grouped(snapshot.step),
        short(train.loss),
        test === undefined ? "–" : short(test.loss),
        number ? short((test ?? train).metric) : percent((test ?? train).metric),
      ];
      cells.forEach((cell, place) => {
        const text = figures[place] ?? "";
        if (cell.textContent !== text) cell.textContent = text;
      });
    };
    write();
    return onPicture(write);
  }, [info]);
  const rows = info === undefined || info.data.testCount > 0 ? "test" : "train";
  const metric = `${rows} ${info?.data.task === "number" ? "R²" : "accuracy"}`;
  return (
    <dl class="gauges" ref={box}>
      <div>
        <dt>epoch</dt>
        <dd>0</dd>
      </div>
      <div>
        <dt>step</dt>
        <dd>0</dd>
      </div>
      <div>
        <dt>train loss</dt>
        <dd>–</dd>
      </div>
      <div>
        <dt>test loss</dt>
        <dd>–</dd>
      </div>
      <div>
        <dt>{metric}</dt>
        <dd>–</dd>
      </div>
    </dl>
  );
}

const speedTitle = (speed: number): string =>
  speed === 0 ? "full speed" : `${speed} ${speed === 1 ? "epoch" : "epochs"}/s`;

function Transport() {
  const on = playing.value;
  return (
    <div class="transport" role="group" aria-label="Training">
      <IconButton icon="rewind" label="Rewind to the same initial weights" keys="R" act={rewind} />
      <IconButton
        icon="back"
        label="One step back"
        keys="←"
        act={() => goTo(Math.max(0, (hot.snapshot?.step ?? 0) - 1))}
      />
      <button
        type="button"
        class="play"
        aria-pressed={on}
        aria-label={on ? "Pause" : "Play"}
        title={`${on ? "Pause" : "Play"} (Space)`}
        onClick={() => play(!on)}
      >
        <Icon name={on ? "pause" : "play"} />
        <span aria-hidden="true">{on ? "Pause" : "Play"}</span>
      </button>
      <IconButton icon="next" label="One step ahead" keys="→" act={() => advance(1)} />
      <IconButton icon="seed" label="New initial weights" keys="⇧R" act={newSeed} />
      <label class="speed" title="Epochs a second ([ and ])">
        <span class="unseen">speed</span>
        <select
          value={String(state.value.speed)}
          onChange={(event) => change({ speed: Number(event.currentTarget.value) })}
        >
          {speeds.map((speed) => (
            <option key={speed} value={String(speed)}>
              {speedTitle(speed)}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

export function Bar() {
  const info = run.value;
  return (
    <header class="bar">
      <div class="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M9 11 23 9M9 11l14 12M9 22 23 9M9 22l14 1" stroke="currentColor" stroke-width="1.5" opacity=".4" />
          <circle cx="9" cy="11" r="3.4" fill="currentColor" />
          <circle cx="9" cy="22" r="3.4" fill="currentColor" />
          <circle cx="23" cy="9" r="3.4" class="high" />
          <circle cx="23" cy="23" r="3.4" class="low" />
        </svg>
        <h1>
          hebb <span>Studio</span>
        </h1>
      </div>
      <Surfaces />
      <Transport />
      <Gauges />
      <div class="tools">
        {info !== undefined && (
          <span class="backend" title={info.backendWhy}>
            {info.backend}
          </span>
        )}
        <IconButton
          icon="search"
          label="Command palette"
          keys="⌘K"
          act={() => {
            paletteOpen.value = true;
          }}
        />
        <IconButton
          icon="share"
          label={shared.value ? "Link copied" : "Copy a link to this experiment"}
          keys="S"
          act={() => void share()}
          class={shared.value ? "done" : ""}
        />
        <IconButton icon="theme" label={`Theme: ${theme.value}`} keys="T" act={nextTheme} />
      </div>
    </header>
  );
}
