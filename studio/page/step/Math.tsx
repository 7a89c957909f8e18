// Formulas in MathML: symbols, the engine's numbers in their places, the result.

import type { ComponentChildren } from "preact";
import * as say from "../../texts/en/step.ts";
import { exact } from "../numbers.ts";
import type { Expr, Formula, Leaf, Sign } from "./formula.ts";
import { lit } from "./lit.ts";

function Symbol({ letter, sub, sup, accent, prime }: Sign) {
  const name = <mi mathvariant={letter.length > 1 ? "normal" : undefined}>{letter}</mi>;
  const base =
    accent === undefined ? (
      name
    ) : (
      <mover accent>
        {name}
        <mo stretchy={false}>{accent}</mo>
      </mover>
    );
  const upper = `${sup ?? ""}${prime === true ? "′" : ""}`;
  if (sub !== undefined && sub !== "" && upper !== "")
    return (
      <msubsup>
        {base}
        <mtext>{sub}</mtext>
        <mtext>{upper}</mtext>
      </msubsup>
    );
  if (sub !== undefined && sub !== "")
    return (
      <msub>
        {base}
        <mtext>{sub}</mtext>
      </msub>
    );
  if (upper === "") return base;
  return (
    <msup>
      {base}
      <mtext>{upper}</mtext>
    </msup>
  );
}

interface Way {
  /** Whether numbers replace the symbols. */
  readonly numbers: boolean;
  readonly term: number;
}

function Lit({ own, children }: { readonly own: Leaf; readonly children: ComponentChildren }) {
  const { at } = own;
  return (
    <mrow
      class={`number ${at !== undefined && at === lit.value ? "lit" : ""}`}
      onPointerEnter={() => {
        lit.value = at ?? "";
      }}
      onPointerLeave={() => {
        lit.value = "";
      }}
    >
      {children}
    </mrow>
  );
}

/** A number as a factor: a negative one in brackets. */
function Value({ own }: { readonly own: Leaf }) {
  const text = exact(own.value);
  return (
    <Lit own={own}>
      {text.startsWith("−") ? (
        <>
          <mo stretchy={false}>(</mo>
          <mn data-at={own.at}>{text}</mn>
          <mo stretchy={false}>)</mo>
        </>
      ) : (
        <mn data-at={own.at}>{text}</mn>
      )}
    </Lit>
  );
}

function Part({ of, way }: { readonly of: Expr; readonly way: Way }) {
  switch (of.kind) {
    case "leaf":
      if (way.numbers && !isUnknown(of)) return <Value own={of} />;
      return (
        <Lit own={of}>
          <Symbol {...of.sign} />
        </Lit>
      );
    case "text":
      return /^[a-zA-Z]/.test(of.text) || /[a-z]{2}/.test(of.text) ? (
        <mtext>{of.text.length > 3 && of.text.includes(" ") ? ` ${of.text} ` : of.text}</mtext>
      ) : /^[−]?\d/.test(of.text) ? (
        <mn>{of.text}</mn>
      ) : (
        <mo stretchy={false}>{of.text}</mo>
      );
    case "row":
      return (
        <mrow>
          {of.parts.map((part, k) => (
            <Part key={k} of={part} way={way} />
          ))}
        </mrow>
      );
    case "fraction":
      return (
        <mfrac>
          <Part of={of.over} way={way} />
          <Part of={of.under} way={way} />
        </mfrac>
      );
    case "root":
      return (
        <msqrt>
          <Part of={of.of} way={way} />
        </msqrt>
      );
    case "power":
      return (
        <msup>
          {of.of.kind === "slope" && !way.numbers ? (
            <mrow>
              <mo>(</mo>
              <Part of={of.of} way={way} />
              <mo>)</mo>
            </mrow>
          ) : (
            <Part of={of.of} way={way} />
          )}
          <Part of={of.to} way={way} />
        </msup>
      );
    case "term":
      return (
        <mrow class={`turn ${of.place < way.term ? "done" : of.place === way.term ? "now" : "ahead"}`}>
          <Part of={of.of} way={way} />
        </mrow>
      );
    case "slope":
      if (way.numbers) return <Value own={of.leaf} />;
      return (
        <Lit own={of.leaf}>
          <mfrac>
            <mrow>
              <mo>∂</mo>
              <mi>L</mi>
            </mrow>
            <mrow>
              <mo>∂</mo>
              <Symbol {...of.by} />
            </mrow>
          </mfrac>
        </Lit>
      );
    case "slot":
      return <Part of={way.numbers ? of.number : of.symbols} way={way} />;
  }
}

/** A symbol without a number, such as a variance inside a root. */
const isUnknown = ({ value, at }: Leaf): boolean => at === undefined && Number.isNaN(value);

/** A long row in pieces with line breaks between them: an operator stays with the piece after it. */
function pieces(of: Expr): readonly Expr[] {
  if (of.kind !== "row") return [of];
  const out: Expr[] = [];
  let held: Expr[] = [];
  for (const part of of.parts.flatMap((one) => (one.kind === "row" ? one.parts : [one]))) {
    held.push(part);
    if (part.kind === "text" && part.text !== ")" && part.text !== "|") continue;
    out.push(held.length === 1 ? part : { kind: "row", parts: held });
    held = [];
  }
  return held.length === 0 ? out : [...out, { kind: "row", parts: held }];
}

/** Three rows: the formula in symbols, in numbers, and its result. */
export function FormulaRows({ formula, term }: { readonly formula: Formula; readonly term: number }) {
  const { result, of, done } = formula;
  const value = result.kind === "slope" ? result.leaf : result;
  const there = term >= done;
  const parts = pieces(of);
  const line = (numbers: boolean) => (
    <div class="line">
      {parts.map((part, k) => (
        <math key={k} displaystyle={true}>
          <Part of={part} way={{ numbers, term }} />
        </math>
      ))}
    </div>
  );
  return (
    <div class="formula-rows" tabIndex={0} role="group" aria-label={say.formula}>
      <div class="left">
        <math displaystyle={true}>
          <Part of={result} way={{ numbers: false, term }} />
        </math>
      </div>
      <span aria-hidden="true">=</span>
      {line(false)}
      <span class="second" aria-hidden="true">
        =
      </span>
      {line(true)}
      <span class="second" aria-hidden="true">
        =
      </span>
      <p class={`result ${there ? "" : "ahead"} ${value.at === lit.value && lit.value !== "" ? "lit" : ""}`}>
        <b data-at={value.at}>{there ? exact(value.value) : "…"}</b>
      </p>
    </div>
  );
}
