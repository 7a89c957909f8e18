// The rows that the network gets most wrong, as the table has them; of pictures a gallery.

import type { RunInfo } from "../../shared/protocol.ts";
import type { Results } from "../../shared/results.ts";
import { apart } from "../draw/names.ts";
import { Picture } from "../draw/Picture.tsx";
import { percent, short } from "../numbers.ts";

interface Props {
  readonly info: RunInfo;
  readonly found: Results;
}

function Gallery({ info, found }: Props) {
  const wrong = found.worst.filter(({ said, truth }) => said !== truth);
  if (wrong.length === 0) return <p class="hint">Of these rows none is decided wrongly.</p>;
  return (
    <ul class="gallery">
      {wrong.map(({ row, truth, said, off, picture }) => (
        <li key={row}>
          {picture !== undefined && (
            <Picture label={`${truth}, called ${said}`} shape={info.data.inputShape} values={picture} />
          )}
          <span>
            is <b>{truth}</b>, said <b class="wrong">{said}</b>
          </span>
          <span class="hint">{percent(off)} for the truth</span>
        </li>
      ))}
    </ul>
  );
}

export function Worst({ info, found }: Props) {
  const number = info.data.task === "number";
  const pictures = info.data.inputShape.length === 3;
  // A cell has room for what tells the names apart.
  const names = apart(info.data.classes);
  const told = (name: string): string => names[info.data.classes.indexOf(name)] ?? name;
  return (
    <section class="panel" aria-labelledby="worst-title">
      <header>
        <h2 id="worst-title">{pictures ? "The most confident mistakes" : "The rows that are most wrong"}</h2>
        <p class="hint">
          {pictures
            ? "What is wrong here is often the label, or a picture that nobody could tell."
            : "Look here first: for wrong cells, for a column that is missing, for rows of another kind."}
        </p>
      </header>
      {pictures ? (
        <Gallery info={info} found={found} />
      ) : (
        <div class="table-scroll" tabIndex={0} role="region" aria-label="Rows with their cells">
          <table class="worst">
            <thead>
              <tr>
                <th scope="col">row</th>
                <th scope="col">true</th>
                <th scope="col">predicted</th>
                <th scope="col">{number ? "predicted − true" : "chance of the truth"}</th>
                <th scope="col">loss</th>
                {found.columns.map((name) => (
                  <th key={name} scope="col" title={name}>
                    <span>{name}</span>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {found.worst.map(({ row, truth, said, off, loss, cells }) => (
                <tr key={row} class={!number && truth !== said ? "wrong" : ""}>
                  <th scope="row">{row}</th>
                  <td title={truth}>
                    <span>{told(truth)}</span>
                  </td>
                  <td title={said}>
                    <span>{told(said)}</span>
                  </td>
                  <td>{number ? short(off) : percent(off)}</td>
                  <td>{short(loss)}</td>
                  {cells.map((cell, place) => (
                    <td key={found.columns[place]} title={cell}>
                      <span>{cell}</span>
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
