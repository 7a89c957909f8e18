// The rows with the worst answers, as in the table; for pictures a gallery.

import type { RunInfo } from "../../shared/protocol.ts";
import type { Results } from "../../shared/results.ts";
import * as say from "../../texts/en/results.ts";
import { apart } from "../draw/names.ts";
import { Picture } from "../draw/Picture.tsx";
import { percent, short } from "../numbers.ts";

interface Props {
  readonly info: RunInfo;
  readonly found: Results;
}

function Gallery({ info, found }: Props) {
  const wrong = found.worst.filter(({ said, truth }) => said !== truth);
  if (wrong.length === 0) return <p class="hint">{say.ofTheseRowsNoneIsDecided}</p>;
  return (
    <ul class="gallery">
      {wrong.map(({ row, truth, said, off, picture }) => (
        <li key={row}>
          {picture !== undefined && (
            <Picture label={say.called(truth, said)} shape={info.data.inputShape} values={picture} />
          )}
          <span>{say.isSaid(<b>{truth}</b>, <b class="wrong">{said}</b>)}</span>
          <span class="hint">{say.forTheTruth(percent(off))}</span>
        </li>
      ))}
    </ul>
  );
}

export function Worst({ info, found }: Props) {
  const number = info.data.task === "number";
  const pictures = info.data.inputShape.length === 3;
  // A cell has room only for the distinct parts of names.
  const names = apart(info.data.classes);
  const told = (name: string): string => names[info.data.classes.indexOf(name)] ?? name;
  return (
    <section class="panel" aria-labelledby="worst-title">
      <header>
        <h2 id="worst-title">{pictures ? say.theMostConfidentMistakes : say.theRowsThatAreMostWrong}</h2>
        <p class="hint">{pictures ? say.whatIsWrongHereIsOften : say.lookHereFirstForWrongCells}</p>
      </header>
      {pictures ? (
        <Gallery info={info} found={found} />
      ) : (
        <div class="table-scroll" tabIndex={0} role="region" aria-label={say.rowsWithTheirCells}>
          <table class="worst">
            <thead>
              <tr>
                <th scope="col">{say.row}</th>
                <th scope="col">{say.trueWord}</th>
                <th scope="col">{say.predicted2}</th>
                <th scope="col">{number ? say.predictedTrue2 : say.chanceOfTheTruth}</th>
                <th scope="col">{say.loss}</th>
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
