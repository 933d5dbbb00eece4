import type { Usage } from '../chat/model.ts';

/** What a million tokens of a model cost, in the owner's currency. */
export interface Price {
  readonly input: number;
  readonly output: number;
}

/** What tokens cost, by model; `*` stands for the models that are not named. */
export interface Prices {
  /** Whether anything has a price. */
  readonly isSet: boolean;
  /** Millionths of the currency, rounded up; 0 where the model has no price. */
  costOf(model: string | undefined, usage: Usage): number;
}

export const createPrices = (prices: ReadonlyMap<string, Price>): Prices => ({
  isSet: prices.size > 0,
  costOf: (model = '', { input, output }) => {
    const price = prices.get(model) ?? longestPrefix(prices, model) ?? prices.get('*');
    return price ? Math.ceil(input * price.input + output * price.output) : 0;
  },
});

/** Providers answer with dated names: `gpt-6-luna` also prices `gpt-6-luna-2026-08-01`. */
const longestPrefix = (prices: ReadonlyMap<string, Price>, model: string): Price | undefined => {
  const fitting = [...prices].filter(([name]) => name !== '*' && model.startsWith(`${name}-`));
  return fitting.toSorted(([one], [other]) => other.length - one.length)[0]?.[1];
};
