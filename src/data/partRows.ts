// Rows of a part of a table before encoding: each reader encodes only the rows it needs.
import type { Cell } from "./cells.ts";
import type { Dataset } from "./dataset.ts";

export interface PartRows {
  readonly length: number;
  /** The rows at these indices, in this order, to keep beyond the part. */
  pick(places: ArrayLike<number>): PartRows;
  /** These rows, followed by others of the same table. */
  followedBy(others: PartRows): PartRows;
  /** Encodes all rows, or those at these indices. */
  dataset(places?: ArrayLike<number>): Dataset;
}

/** A row as read, and its number in the file. */
export interface UnreadRow {
  readonly record: readonly Cell[];
  readonly row: number;
}

/** A deep copy: cells are substrings of the file's text and would keep all of it in memory. */
const copied = ({ record, row }: UnreadRow): UnreadRow => ({ record: JSON.parse(JSON.stringify(record)), row });

/** Records, and the encoder that turns them into numbers. */
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
    // All parts of one stream are of this class.
    return others instanceof RecordRows ? new RecordRows([...this.#rows, ...others.#rows], this.#encode) : others;
  }

  dataset(places?: ArrayLike<number>): Dataset {
    return this.#encode(
      places === undefined ? this.#rows : Array.from(places, (place) => this.#rows[place] as UnreadRow),
    );
  }
}
