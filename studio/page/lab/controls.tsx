// Small controls shared by several panels: a choice, segments, a slider with its number, a stepper.

import { useId } from "preact/hooks";
import * as say from "../../texts/en/lab.ts";
import { Icon } from "../icons.tsx";

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly (readonly [value: T, title: string])[];
  readonly choose: (value: T) => void;
  readonly hidden?: boolean;
}

export function Choice<T extends string>({ label, value, options, choose, hidden }: ChoiceProps<T>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={hidden ? "unseen" : ""}>
        {label}
      </label>
      <select
        id={id}
        value={value}
        onChange={({ currentTarget }) => {
          const found = options.find(([name]) => name === currentTarget.value);
          if (found !== undefined) choose(found[0]);
        }}
      >
        {options.map(([name, title]) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </select>
    </div>
  );
}

/** One of a few options, each with a button; the chosen one is pressed. */
export function Segments<T extends string>({ label, value, options, choose }: Omit<ChoiceProps<T>, "hidden">) {
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map(([name, title]) => (
        <button key={name} type="button" class="small" aria-pressed={name === value} onClick={() => choose(name)}>
          {title}
        </button>
      ))}
    </div>
  );
}

interface SliderProps {
  readonly label: string;
  readonly value: number;
  /** The slider's values. */
  readonly stops: readonly number[];
  readonly show?: (value: number) => string;
  readonly choose: (value: number) => void;
}

export function Slider({ label, value, stops, show = String, choose }: SliderProps) {
  const id = useId();
  let at = 0;
  stops.forEach((stop, place) => {
    if (Math.abs(stop - value) < Math.abs((stops[at] ?? 0) - value)) at = place;
  });
  return (
    <div class="field slider">
      <label for={id}>{label}</label>
      <output for={id}>{show(value)}</output>
      <input
        id={id}
        type="range"
        min={0}
        max={stops.length - 1}
        step={1}
        value={at}
        aria-valuetext={show(value)}
        onInput={({ currentTarget }) => choose(stops[Number(currentTarget.value)] ?? value)}
      />
    </div>
  );
}

interface RangeProps {
  readonly id: string;
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly show: (value: number) => string;
  readonly choose: (value: number) => void;
  /** The parameter that it sets, by its path in the network. */
  readonly parameter?: string;
}

/** A continuous slider. */
export function Range({ id, label, value, show, choose, parameter, ...range }: RangeProps) {
  return (
    <div class="field slider">
      <label for={id}>{label}</label>
      <output for={id}>{show(value)}</output>
      <input
        id={id}
        type="range"
        {...range}
        value={value}
        aria-valuetext={show(value)}
        data-parameter={parameter}
        onInput={({ currentTarget }) => choose(Number(currentTarget.value))}
      />
    </div>
  );
}

interface StepperProps {
  readonly label: string;
  readonly value: number;
  readonly least: number;
  readonly most: number;
  /** One more or one less than the value at the click, because clicks can come faster than pictures. */
  readonly step: (by: 1 | -1) => void;
  /** The unit of the number, if any. */
  readonly unit?: string;
}

export function Stepper({ label, value, least, most, unit = "", step }: StepperProps) {
  return (
    <div class="stepper" role="group" aria-label={label}>
      <button type="button" aria-label={say.oneLess(label)} disabled={value <= least} onClick={() => step(-1)}>
        <Icon name="minus" />
      </button>
      <output aria-live="off">
        {value}
        {unit !== "" && <small> {unit}</small>}
      </output>
      <button type="button" aria-label={say.oneMore(label)} disabled={value >= most} onClick={() => step(1)}>
        <Icon name="plus" />
      </button>
    </div>
  );
}
