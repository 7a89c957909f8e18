// The network's score for each class, as bars with names and shares.
import { percent } from "../numbers.ts";

export function ScoreBars({
  scores,
}: {
  readonly scores: readonly { readonly name: string; readonly value: number }[];
}) {
  return (
    <ul>
      {scores.map(({ name, value }) => (
        <li key={name}>
          <span>{name}</span>
          <span class="bar-track" aria-hidden="true">
            <span style={{ width: `${100 * value}%` }} />
          </span>
          <span>{percent(value)}</span>
        </li>
      ))}
    </ul>
  );
}
