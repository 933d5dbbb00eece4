/** What the tests of function calls share. */

import type { CallTools } from '../../emulator/tools.ts';
import type { ToolCall } from '../../emulator/transcript.ts';

const parameters = { type: 'object', properties: { city: { type: 'string' } } };

/** The same two functions in the shape of each wire. */
const NAMES = ['weather', 'clock'];
export const RESPONSE_TOOLS = NAMES.map((name) => ({
  type: 'function' as const,
  name,
  parameters,
  strict: false,
}));
export const CHAT_TOOLS = NAMES.map((name) => ({
  type: 'function' as const,
  function: { name, parameters },
}));

export const weather = (city: string): ToolCall => ({ name: 'weather', arguments: JSON.stringify({ city }) });
export const clock: ToolCall = { name: 'clock', arguments: '{}' };

/** Calls these, round by round; then answers. */
export const inRounds =
  (...rounds: readonly ToolCall[][]): CallTools =>
  ({ round }) =>
    rounds[round] ?? [];

/** The two calls of one round that most tests make. */
export const both = inRounds([weather('Rome 🦊'), clock]);
