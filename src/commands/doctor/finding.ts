import type { Paint } from '../../logging/pretty.ts';

/** How a check ended: `open` works, but should not stay so in production; `failed` does not work. */
export type State = 'good' | 'open' | 'failed' | 'skipped';

/** What a check found, and what to do about it. */
export interface Finding {
  readonly state: State;
  /** What was looked at: `model`. */
  readonly what: string;
  /** What was seen, in one line. */
  readonly seen: string;
  /** What to do, in one line; absent where nothing needs to be done. */
  readonly advice?: string;
}

/** Makes the findings of one subject. */
export const about = (what: string) => ({
  good: (seen: string): Finding => ({ state: 'good', what, seen }),
  open: (seen: string, advice?: string): Finding => ({
    state: 'open',
    what,
    seen,
    ...(advice === undefined ? {} : { advice }),
  }),
  failed: (seen: string, advice: string): Finding => ({ state: 'failed', what, seen, advice }),
  skipped: (seen: string): Finding => ({ state: 'skipped', what, seen }),
});

const MARKS = {
  good: ['green', '✔'],
  open: ['yellow', '▲'],
  failed: ['red', '✖'],
  skipped: ['dim', '–'],
} as const;

/** Width of the column of subjects. */
const WIDTH = 12;

/** A finding as one line, with a second one for what to do. */
export const findingText = ({ state, what, seen, advice }: Finding, paint: Paint): string => {
  const [style, mark] = MARKS[state];
  const line = `  ${paint(style, mark)} ${paint('bold', what.padEnd(WIDTH))} ${state === 'skipped' ? paint('dim', seen) : seen}`;
  return advice === undefined ? line : `${line}\n    ${' '.repeat(WIDTH)} ${paint(style, `→ ${advice}`)}`;
};

/** The last line: how many of each. */
export const summary = (findings: readonly Finding[], paint: Paint): string => {
  const count = (state: State) => findings.filter((finding) => finding.state === state).length;
  const [failed, open] = [count('failed'), count('open')];
  if (failed > 0) return paint('red', `${failed} ${failed === 1 ? 'thing does' : 'things do'} not work.`);
  if (open > 0) {
    const things = open === 1 ? 'One thing needs' : `${open} things need`;
    return paint('yellow', `Everything works. ${things} a decision before visitors come.`);
  }
  return paint('green', 'Ready for visitors.');
};
