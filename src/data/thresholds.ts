// The thresholds by which columns are judged, in one table. test/tables tests their effect.

export const thresholds = {
  // What one cell may be. Longer cells are words.
  longestNumber: 64,

  // A column is numbers, or dates, although some cells are none.
  /** This share of the cells may be slips, … */
  slipShare: 1 / 20,
  /** … and a single one, of at least so many cells. */
  fewestWithSlip: 10,
  /** So many different values are a scale, not a list of choices. */
  fewestOfScale: 20,
  /** Up to this share of a scale may be unreadable, when it is fitted and when later rows are encoded. */
  unreadableShare: 1 / 5,
  /** Up to so many words, in up to this share of a scale, mean "missing" there. */
  ownMarks: 3,
  ownMarkShare: 1 / 2,

  // Digits are names, not amounts.
  /** Where one in so many whole numbers has a zero in front. */
  wholePerCode: 100,

  // Values that come back.
  /** Of more values than this, most must come back, or the column teaches nothing: text, or an identifier. */
  fewestVaried: 20,
  /** Of a column with too many values to count, so many of the most frequent must cover half of it. */
  frequentValues: 100,
  /** Whole numbers that never come back are an identifier, under such a name and in more rows than this. */
  fewestIdentifiers: 10,
  /** Words for true and false have so many spellings at most. */
  booleanSpellings: 12,
  /** NA is a value among at most so many values of two to five capitals. */
  capitalValues: 1000,

  // The target is classes.
  mostClasses: 1000,
  /** More classes than this must come back in at least two rows each on average. */
  fewClasses: 20,
  /** Whole numbers are classes when there are so few of them, with at least so many rows each, … */
  mostNumberClasses: 10,
  rowsPerNumberClass: 10,
  /** … within so many times their count. */
  numberClassSpread: 2,

  // How an input is encoded.
  /** Features for the values of one column. */
  mostCategories: 100,
  /** Rare values of one column that are remembered, so that new ones are known. */
  mostRare: 1000,
  /** A feature that is set in fewer rows than this, or than one in so many, would teach the network those rows alone. */
  fewestRows: 5,
  rowsPerRare: 100,
  /** Features for the terms of one column of texts, and for those of all together: so many numbers in all rows at most. */
  mostTerms: 2000,
  mostTermNumbers: 2 ** 25,
  /** A term of fewer texts than this says nothing of others. */
  fewestTexts: 2,
  /** Different terms of one column that are counted. */
  mostCountedTerms: 200_000,
  /** The Euclidean length of the features of a text. */
  textNorm: 2,
  /** Amounts with more than so many different values and a larger skewness than this are drawn together by a logarithm. */
  fewDistinct: 10,
  longTail: 2,
  /** Squares and cubes of larger values leave float64. */
  largestValue: 1e100,
  /** Days that dates must span for a cycle to show. */
  spanOfYears: 366,
  spanOfWeeks: 14,
} as const;
