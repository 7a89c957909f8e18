// Every number of one row and one neuron, from the inputs to the updated weights; each can be edited.

import type { Numbers, StepTrace } from "../../shared/steps.ts";
import * as say from "../../texts/en/step.ts";
import { exact } from "../numbers.ts";
import { edit, edits } from "./edits.ts";
import { lit } from "./lit.ts";
import { above, type Stage } from "./path.ts";
import { fanIn } from "./reading.ts";

interface Props {
  readonly step: StepTrace;
  readonly stage: Stage;
  readonly row: number;
  readonly unit: number;
}

/** One row's part of a value of the whole batch. */
function ofRow({ rows }: StepTrace, numbers: Numbers, row: number) {
  const count = numbers.values.length / rows;
  return { numbers, from: row * count, count };
}

interface ValuesProps {
  readonly label: string;
  readonly name: string;
  readonly numbers: Numbers;
  /** The first index of the shown numbers in the node, and their count. */
  readonly from: number;
  readonly count: number;
  readonly fixed?: boolean;
}

const mostShown = 24;

/** A row of numbers, each of which can be edited. */
function Values({ label, name, numbers, from, count, fixed }: ValuesProps) {
  const shown = Math.min(count, mostShown);
  return (
    <tr>
      <th scope="row">{label}</th>
      <td>
        <div class="values">
          {Array.from({ length: shown }, (_, k) => {
            const own = `${name}.${k}`;
            const value = numbers.values[from + k] ?? 0;
            const edited = edits.value.some((one) => one.node === numbers.node && one.index === from + k);
            const mark = `${own === lit.value ? "lit" : ""} ${edited ? "edited" : ""}`;
            return fixed || numbers.node === "" ? (
              <span key={own} class={`value ${mark}`}>
                {exact(value)}
              </span>
            ) : (
              <input
                key={own}
                class={`value ${mark}`}
                aria-label={say.number(label, k + 1)}
                inputMode="decimal"
                value={exact(value)}
                onFocus={() => {
                  lit.value = own;
                }}
                onBlur={() => {
                  lit.value = "";
                }}
                onPointerEnter={() => {
                  lit.value = own;
                }}
                onPointerLeave={() => {
                  lit.value = "";
                }}
                onChange={({ currentTarget }) => edit(numbers.node, from + k, currentTarget.value)}
              />
            );
          })}
          {count > shown && <span class="hint">{say.andMore(count - shown)}</span>}
        </div>
      </td>
    </tr>
  );
}

/** Every number of the chosen row and neuron, from the inputs to the updated weights. */
export function AllValues({ step, stage, row, unit }: Props) {
  const { layer } = stage;
  const own = step.layers[layer];
  const inputs = own === undefined ? 0 : fanIn(own);
  const chosen = Math.min(unit, (own?.units ?? 1) - 1);
  return (
    <div class="table-scroll values-box">
      <table class="all-values">
        <caption class="unseen">{say.theNumbersOfRow(row + 1)}</caption>
        <tbody>
          <Values label="x" name="x" {...ofRow(step, step.x, row)} />
          {step.layers.map((one, k) => (
            <>
              <Values key={`z${k}`} label={`z${above(k)}`} name={`z${k}`} {...ofRow(step, one.z, row)} />
              {one.norm !== undefined && (
                <Values key={`n${k}`} label={`ẑ${above(k)}`} name={`n${k}`} {...ofRow(step, one.norm.values, row)} />
              )}
              <Values
                key={`a${k}`}
                label={k === step.layers.length - 1 ? "ŷ" : `a${above(k)}`}
                name={`a${k}`}
                {...ofRow(step, one.a, row)}
              />
              {one.pool !== undefined && (
                <Values key={`p${k}`} label={`p${above(k)}`} name={`p${k}`} {...ofRow(step, one.pool.values, row)} />
              )}
              {one.dropout !== undefined && (
                <Values key={`m${k}`} label={`ã${above(k)}`} name={`m${k}`} {...ofRow(step, one.dropout.values, row)} />
              )}
            </>
          ))}
          <Values label={say.batchLoss} name="loss" numbers={step.loss} from={0} count={1} fixed />
          {step.layers
            .map((one, k) => (
              <Values key={`d${k}`} label={`δ${above(k)}`} name={`d${k}`} {...ofRow(step, one.delta, row)} />
            ))
            .reverse()}
          {own !== undefined && (
            <>
              <Values
                label={say.wOfNeuron(chosen + 1)}
                name={`w${layer}.${chosen}`}
                numbers={own.weight.value}
                from={chosen * inputs}
                count={inputs}
              />
              <Values label={say.itsBias} name={`b${layer}`} numbers={own.bias.value} from={chosen} count={1} />
              <Values
                label={say.theirSlopesOfTheBatch}
                name={`g${layer}.${chosen}`}
                numbers={own.weight.gradient}
                from={chosen * inputs}
                count={inputs}
              />
              {own.weight.slots.map(({ name, after }) => (
                <Values
                  key={name}
                  label={name}
                  name={`slot ${name}`}
                  numbers={after}
                  from={chosen * inputs}
                  count={inputs}
                  fixed
                />
              ))}
              <Values
                label={say.afterTheStep}
                name={`u${layer}.${chosen}`}
                numbers={own.weight.updated}
                from={chosen * inputs}
                count={inputs}
                fixed
              />
            </>
          )}
        </tbody>
      </table>
    </div>
  );
}
