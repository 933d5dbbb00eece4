import type { Figures } from '../ops-port.ts';
import type { Prices } from '../prices.ts';

/** How a figure differs from that of the period before. */
export interface Change {
  /** -1 less, 0 the same, 1 more. */
  readonly by: -1 | 0 | 1;
  /** How much, without a sign. */
  readonly text: string;
}

const signOf = (value: number): Change['by'] => (value > 0 ? 1 : value < 0 ? -1 : 0);

/** In percent of what was before; undefined where there was nothing. */
export const relativeChange = (now: number, before: number): Change | undefined => {
  if (before === 0) return undefined;
  const change = Math.round((100 * (now - before)) / before);
  return { by: signOf(change), text: `${Math.abs(change)} %` };
};

/** In points of a percentage. */
export const pointChange = (now: number | undefined, before: number | undefined): Change | undefined => {
  if (now === undefined || before === undefined) return undefined;
  const change = Math.round(1000 * (now - before)) / 10;
  return { by: signOf(change), text: `${Math.abs(change)} pt` };
};

/** The part of the messages that got an answer; undefined where there were none. */
export const answeredShare = ({ messages, failed, flagged }: Figures): number | undefined =>
  messages === 0 ? undefined : Math.max(0, messages - failed - flagged) / messages;

export const tokensOf = ({ models }: Figures): { input: number; output: number } => ({
  input: models.reduce((sum, { input }) => sum + input, 0),
  output: models.reduce((sum, { output }) => sum + output, 0),
});

/** Millionths of the currency of PRICES. */
export const costOf = ({ models }: Figures, prices: Prices): number =>
  models.reduce((sum, { model, input, output }) => sum + prices.costOf(model, { input, output }), 0);

export const refusedOf = ({ refused }: Figures): number =>
  Object.values(refused).reduce((sum, count) => sum + count, 0);
