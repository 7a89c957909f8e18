// Guesses the target column if none is given: one with a telling name, else the last informative one.
import { wordsOf } from "./nameHints.ts";
import { checkTable, type Table } from "./table.ts";

export interface GuessedTarget {
  readonly target: string;
  /** The reason for the guess: "because of its name". */
  readonly why: string;
}

const usual: ReadonlySet<string> = new Set(
  `target targets label labels class outcome outcomes response y survived approved churn churned exited attrition diagnosis species
  fraud default defaulted quality mpg medv income converted purchased clicked cancelled canceled returned subscribed is_fraud
  credit_risk ziel zielgröße ziel_variable ergebnis cible résultat objetivo`.split(/\s+/),
);
const asWords = (name: string): string => wordsOf(name).join("_");

/** The most likely target of a table. */
export function guessTarget(table: Table): GuessedTarget {
  checkTable("guessTarget", table);
  const known = table
    .describe()
    .filter(({ kind }) => kind !== "empty" && kind !== "identifier" && kind !== "text" && kind !== "date");
  const named = known.findLast(({ name }) => usual.has(asWords(name)));
  if (named !== undefined) return { target: named.name, why: "because of its name" };
  // A column that is mostly empty, such as one of remarks, is hardly the target.
  const filled = known.findLast(({ rows, missing, distinct }) => distinct > 1 && missing <= rows / 2) ?? known.at(-1);
  const last = table.columnNames.at(-1) ?? "";
  if (filled === undefined || filled.name === last) return { target: last, why: "because it is the last column" };
  return { target: filled.name, why: "because it is the last column that can be learned" };
}
