// Rows of a part of a table before encoding: each reader encodes only the rows it needs.
import type { Cell } from "./cells.ts";
import type { Dataset } from "./dataset.ts";

export interface PartRows {
  readonly length: number;
  /** The rows at these places, in this order, to be kept beyond the part. */
  pick(places: ArrayLike<number>): PartRows;
  /** These rows, and behind them others of the same table. */
  followedBy(others: PartRows): PartRows;
  /** As numbers: all rows, or those at these places. */
  dataset(places?: ArrayLike<number>): Dataset;
}

/** A row as it was read, and its number in the file. */
export interface UnreadRow {
  readonly record: readonly Cell[];
  readonly row: number;
}

/** Cells are parts of the text that was read, and would keep all of it in memory. */
const copied = ({ record, row }: UnreadRow): UnreadRow => ({ record: JSON.parse(JSON.stringify(record)), row });

/** Records, and what turns them into numbers. */
export class RecordRows implements PartRows {
  readonly #rows: readonly UnreadRow[];
  readonly #encode: (rows: readonly UnreadRow[]) => Dataset;

  constructor(rows: readonly UnreadRow[], encode: (rows: readonly UnreadRow[]) => Dataset) {
    this.#rows = rows;
    this.#encode = encode;
  }

  get length(): number {
    return this.#rows.length;
  }

  pick(places: ArrayLike<number>): RecordRows {
    const rows = Array.from(places, (place) => copied(this.#rows[place] as UnreadRow));
    return new RecordRows(rows, this.#encode);
  }

  followedBy(others: PartRows): PartRows {
    // Parts of one stream are all of this kind.
    return others instanceof RecordRows ? new RecordRows([...this.#rows, ...others.#rows], this.#encode) : others;
  }

  dataset(places?: ArrayLike<number>): Dataset {
    return this.#encode(
      places === undefined ? this.#rows : Array.from(places, (place) => this.#rows[place] as UnreadRow),
    );
  }
}
