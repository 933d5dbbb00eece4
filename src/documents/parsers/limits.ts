const MB = 1024 * 1024;

/** What a document may cost, whatever is in it. */
export interface ParseLimits {
  /** Bytes of a file. */
  readonly maxBytes: number;
  /** Bytes that the parts of a zipped file unpack to. */
  readonly maxUnpackedBytes: number;
  /** UTF-16 units of text that are read out of it. */
  readonly maxChars: number;
  readonly maxPages: number;
  readonly maxRows: number;
  /** Milliseconds. */
  readonly maxTime: number;
  /** Bytes that the parser's process may use beyond what it begins with. */
  readonly maxMemory: number;
}

export const PARSE_LIMITS: ParseLimits = {
  maxBytes: 50 * MB,
  maxUnpackedBytes: 100 * MB,
  maxChars: 10_000_000,
  maxPages: 2_000,
  maxRows: 50_000,
  maxTime: 60_000,
  maxMemory: 1_024 * MB,
};
