// The thresholds by which columns are judged, in one table. test/tables tests their effect.

export const thresholds = {
  // Limits of one cell. Longer cells are words.
  longestNumber: 64,

  // A column is numbers, or dates, although some cells are not.
  /** Up to this share of the cells may be slips, … */
  slipShare: 1 / 20,
  /** … and always a single one, from this many cells on. */
  fewestWithSlip: 10,
  /** More distinct values than this are a scale, not a list of choices. */
  fewestOfScale: 20,
  /** Up to this share of a scale may be unreadable, both in fitting and in later rows. */
  unreadableShare: 1 / 5,
  /** Up to this many distinct words, in up to this share of a scale, mean "missing" there. */
  ownMarks: 3,
  ownMarkShare: 1 / 2,

  // Digits are names, not amounts.
  /** If at least one in this many whole numbers has a leading zero. */
  wholePerCode: 100,

  // Values that repeat.
  /** Of more values than this, most must repeat, or the column teaches nothing: it is text or an identifier. */
  fewestVaried: 20,
  /** With too many values to count, this many of the most frequent must cover half of the column. */
  frequentValues: 100,
  /** Whole numbers that never repeat are an identifier, under a telling name and in more rows than this. */
  fewestIdentifiers: 10,
  /** Maximum spellings in a column of words for true and false. */
  booleanSpellings: 12,
  /** NA is a value if there are at most this many values, all of two to five capitals. */
  capitalValues: 1000,

  // The target is classes.
  mostClasses: 1000,
  /** More classes than this must have at least two rows each on average. */
  fewClasses: 20,
  /** Whole numbers are classes if there are at most this many, with at least this many rows each, … */
  mostNumberClasses: 10,
  rowsPerNumberClass: 10,
  /** … within a range below this many times their count. */
  numberClassSpread: 2,

  // How an input is encoded.
  /** Features for the values of one column. */
  mostCategories: 100,
  /** Rare values of one column to remember, so that new ones are recognised. */
  mostRare: 1000,
  /** A feature set in fewer rows than this, or than one in this many, would only memorise those rows. */
  fewestRows: 5,
  rowsPerRare: 100,
  /** Maximum term features of one text column, and of numbers in the term features of all columns and rows. */
  mostTerms: 2000,
  mostTermNumbers: 2 ** 25,
  /** A term in fewer texts than this does not generalise. */
  fewestTexts: 2,
  /** Distinct terms of one column to count. */
  mostCountedTerms: 200_000,
  /** The Euclidean length of the features of a text. */
  textNorm: 2,
  /** Amounts with more distinct values and a larger skewness than this are compressed by a logarithm. */
  fewDistinct: 10,
  longTail: 2,
  /** Squares and cubes of larger values overflow float64. */
  largestValue: 1e100,
  /** Days that dates must span for a cycle to show. */
  spanOfYears: 366,
  spanOfWeeks: 14,
} as const;
