// A chart's values as a table, for screen readers: rendered when opened, and again when training pauses.

import type { ReadonlySignal } from "@preact/signals";
import { useState } from "preact/hooks";
import * as say from "../../texts/en/draw.ts";
import { playing, shown } from "../store.ts";

interface Props {
  /** The region's name. */
  readonly label: string;
  readonly heads: readonly string[];
  readonly rows: () => readonly (readonly string[])[];
  /** The signal to follow instead of the Lab's run. */
  readonly follows?: ReadonlySignal<unknown>;
}

export function AsTable({ label, heads, rows, follows }: Props) {
  const [open, setOpen] = useState(false);
  if (open) (follows ?? (playing.value ? undefined : shown))?.value;
  return (
    <details class="as-table" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{say.showAsTable}</summary>
      {open && (
        <div class="table-scroll" tabIndex={0} role="region" aria-label={label}>
          <table>
            <thead>
              <tr>
                {heads.map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows().map((cells, row) => (
                <tr key={`${row} ${cells[0]}`}>
                  {cells.map((cell, column) => (
                    <td key={heads[column]}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
