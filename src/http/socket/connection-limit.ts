/** Bounds the sockets that are open at the same time from one client address. */
export interface Places {
  hasRoom(address: string): boolean;
  /** @returns Gives the place back; call it once. */
  take(address: string): () => void;
}

export const createPlaces = ({ perAddress }: { perAddress: number }): Places => {
  const taken = new Map<string, number>();
  const countOf = (address: string): number => taken.get(address) ?? 0;
  return {
    hasRoom: (address) => countOf(address) < perAddress,
    take: (address) => {
      taken.set(address, countOf(address) + 1);
      return () => {
        const left = countOf(address) - 1;
        if (left > 0) taken.set(address, left);
        else taken.delete(address);
      };
    },
  };
};
