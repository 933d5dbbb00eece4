import type { BoundedBlocks } from './bounded-blocks.ts';
import { attribute, type Element, elementsIn, isElement, isNotRead, oneLine, textIn } from './html-nodes.ts';

/** Cells of a row that are read. */
const MAX_CELLS = 100;

const isCell = ({ tagName }: Element): boolean => tagName === 'td' || tagName === 'th';

/** The rows of a table with what each cell says; a cell that spans several columns or rows stands in each. */
const rowsOf = (rows: readonly Element[]): string[][] => {
  /** Cells of rows above that reach down, by column. */
  const reaching = new Map<number, { text: string; left: number }>();
  return rows.map((row) => {
    const cells: string[] = [];
    const fill = (): void => {
      for (
        let above = reaching.get(cells.length);
        above && cells.length < MAX_CELLS;
        above = reaching.get(cells.length)
      ) {
        if (above.left <= 1) reaching.delete(cells.length);
        else above.left -= 1;
        cells.push(above.text);
      }
    };
    for (const cell of row.childNodes.filter(isElement).filter(isCell)) {
      fill();
      const text = oneLine(textIn(cell));
      const across = Math.min(Math.max(1, Number(attribute(cell, 'colspan') ?? 1) || 1), MAX_CELLS);
      const down = Number(attribute(cell, 'rowspan') ?? 1) || 1;
      for (let n = 0; n < across && cells.length < MAX_CELLS; n += 1) {
        if (down > 1) reaching.set(cells.length, { text, left: Math.min(down, 1_000) - 1 });
        cells.push(text);
      }
    }
    fill();
    return cells;
  });
};

/**
 * Adds the rows of a table, each with the names of its columns.
 * @param asLayout Reads it as the blocks that stand in it, for one that only lays out the page.
 */
export const addTable = (table: Element, blocks: BoundedBlocks, asLayout: () => void): void => {
  const inside = [...elementsIn(table)];
  const rows = inside.filter((one) => one.tagName === 'tr' && !isNotRead(one));
  const isLayout =
    inside.some(({ tagName }) => tagName === 'table' || /^h[1-6]$/.test(tagName)) ||
    attribute(table, 'role') === 'presentation' ||
    rows.every((row) => row.childNodes.filter(isElement).filter(isCell).length < 2);
  if (isLayout) {
    asLayout();
    return;
  }
  const caption = inside.find(({ tagName }) => tagName === 'caption');
  if (caption) blocks.add({ type: 'text', text: oneLine(textIn(caption)) });
  const [first] = rows;
  const cells = rowsOf(rows);
  const names = first?.childNodes.filter(isElement).filter(isCell) ?? [];
  const hasNames =
    names.length > 0 &&
    (names.every(({ tagName }) => tagName === 'th') || inside.some(({ tagName }) => tagName === 'thead'));
  const columns = hasNames ? (cells[0] ?? []) : [];
  for (const row of hasNames ? cells.slice(1) : cells) {
    if (blocks.isFull()) return;
    blocks.add({ type: 'row', columns, cells: row });
  }
};
