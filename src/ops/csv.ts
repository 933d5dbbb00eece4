/**
 * What makes a spreadsheet take a cell for a formula, also behind spaces; tabs and line ends start one anew. With the
 * apostrophes that were in front of it already, so that the one that is put there can be told from them.
 */
const FORMULA = /^'*[\s\u00a0\ufeff]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;
/** A plain number is no formula, whatever its sign. */
const NUMBER = /^-?\d+(\.\d+)?$/;

/** A mark that tells spreadsheets that the file is UTF-8. */
export const BYTE_ORDER_MARK = '\ufeff';

/**
 * A row of CSV (RFC 4180), its end included. Texts that a spreadsheet would run as a formula get an apostrophe in
 * front, as OWASP advises; every text is quoted, so that none is cut into cells.
 */
export const csvRow = (cells: readonly (string | number | undefined)[]): string =>
  `${cells.map(cellOf).join(',')}\r\n`;

const cellOf = (value: string | number | undefined): string => {
  if (value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const safe = FORMULA.test(value) && !NUMBER.test(value) ? `'${value}` : value;
  return `"${safe.replaceAll('"', '""')}"`;
};

/** The text of a cell, as it was before {@link csvRow}. */
export const textOfCell = (cell: string): string =>
  cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
