// The bar at the top: surfaces, transport, training progress, and page controls.

import { useEffect, useRef } from "preact/hooks";
import { surfaces } from "../shared/names.ts";
import * as say from "../texts/en/frame.ts";
import { theme } from "./draw/colors.ts";
import { Icon, type IconName } from "./icons.tsx";
import { nextTheme, paletteOpen, share, shared, surfaceTitle } from "./shortcuts.ts";
import { change, onPicture, run, surface } from "./store.ts";
import { transport } from "./transport.ts";

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
    <nav class="surfaces" aria-label={say.surfaces}>
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

/** Figures that change with every picture are written into the DOM directly, without the framework. */
export function Gauges() {
  const box = useRef<HTMLDListElement>(null);
  const { gauges } = transport.value;
  useEffect(() => {
    const write = (): void => {
      const cells = box.current?.querySelectorAll("dd");
      gauges().forEach(([, text], place) => {
        const cell = cells?.[place];
        if (cell !== undefined && cell.textContent !== text) cell.textContent = text;
      });
    };
    write();
    return onPicture(write);
  }, [gauges, run.value]);
  return (
    <dl class="gauges" ref={box}>
      {gauges().map(([name], place) => (
        <div key={place}>
          <dt>{name}</dt>
          <dd>–</dd>
        </div>
      ))}
    </dl>
  );
}

export function PlayButton({ disabled = false }: { readonly disabled?: boolean }) {
  const own = transport.value;
  const on = own.playing.value;
  return (
    <button
      type="button"
      class="play"
      aria-pressed={on}
      aria-label={on ? say.pause : say.play}
      title={say.space(on ? say.pause : say.play)}
      disabled={disabled}
      onClick={() => own.play(!on)}
    >
      <Icon name={on ? "pause" : "play"} />
      <span aria-hidden="true">{on ? say.pause : say.play}</span>
    </button>
  );
}

function Transport() {
  const own = transport.value;
  return (
    <div class="transport" role="group" aria-label={say.training}>
      <IconButton icon="rewind" label={say.rewindToTheSameInitialWeights} keys="R" act={own.rewind} />
      <IconButton icon="back" label={say.oneStepBack} keys="←" act={own.back} />
      <PlayButton />
      <IconButton icon="next" label={say.oneStepAhead} keys="→" act={() => own.advance(1)} />
      <IconButton icon="seed" label={say.newInitialWeights} keys="⇧R" act={own.newSeed} />
      <label class="speed" title={say.speedAnd}>
        <span class="unseen">{say.speed}</span>
        <select value={String(own.speed())} onChange={(event) => own.setSpeed(Number(event.currentTarget.value))}>
          {own.speeds.map(([speed, title]) => (
            <option key={speed} value={String(speed)}>
              {title}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

export function Bar() {
  const backend = transport.value.backend();
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    // Sticky elements below the bar need its height.
    const observer = new ResizeObserver(() =>
      document.documentElement.style.setProperty("--bar-height", `${element.offsetHeight}px`),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return (
    <header class="bar" ref={box}>
      <div class="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M9 11 23 9M9 11l14 12M9 22 23 9M9 22l14 1" stroke="currentColor" stroke-width="1.5" opacity=".4" />
          <circle cx="9" cy="11" r="3.4" fill="currentColor" />
          <circle cx="9" cy="22" r="3.4" fill="currentColor" />
          <circle cx="23" cy="9" r="3.4" class="high" />
          <circle cx="23" cy="23" r="3.4" class="low" />
        </svg>
        <h1>{say.hebb(<span>{say.studio}</span>)}</h1>
      </div>
      <Surfaces />
      <Transport />
      <Gauges />
      <div class="tools">
        {backend !== undefined && (
          <span class="backend" title={backend.why}>
            {backend.name}
          </span>
        )}
        <IconButton
          icon="search"
          label={say.commandPalette}
          keys="⌘K"
          act={() => {
            paletteOpen.value = true;
          }}
        />
        <IconButton
          icon="share"
          label={shared.value ? say.linkCopied : say.copyALinkToThisExperiment}
          keys="S"
          act={() => void share()}
          class={shared.value ? "done" : ""}
        />
        <IconButton icon="theme" label={say.theme(theme.value)} keys="T" act={nextTheme} />
      </div>
    </header>
  );
}
