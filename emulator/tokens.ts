/** About how many tokens so many UTF-16 units are. */
export const tokensOf = (chars: number): number => Math.ceil(chars / 4);
