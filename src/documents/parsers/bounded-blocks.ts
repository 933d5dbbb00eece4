import type { Block } from '../model.ts';
import type { ParseLimits } from './limits.ts';

/** A list of blocks that stops growing when it holds as much text, or as many rows, as a document may have. */
export interface BoundedBlocks {
  readonly blocks: readonly Block[];
  /** Adds a block; one without a word is left out. */
  add(block: Block): void;
  isFull(): boolean;
  /** Says what was left out; undefined where nothing was. */
  note(): string | undefined;
}

const textOf = (block: Block): string => (block.type === 'row' ? block.cells.join('') : block.text);

export const createBlocks = ({
  maxChars,
  maxRows,
}: Pick<ParseLimits, 'maxChars' | 'maxRows'>): BoundedBlocks => {
  const blocks: Block[] = [];
  let chars = 0;
  let rows = 0;
  let full: string | undefined;
  return {
    blocks,
    add: (block) => {
      const text = textOf(block);
      if (full !== undefined || text.trim() === '') return;
      chars += text.length;
      if (block.type === 'row') rows += 1;
      if (chars > maxChars) full = `only the first ${maxChars} characters were read`;
      else if (rows > maxRows) full = `only the first ${maxRows} rows were read`;
      else blocks.push(block);
    },
    isFull: () => full !== undefined,
    note: () => full,
  };
};
