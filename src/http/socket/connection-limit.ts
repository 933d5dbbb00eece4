/** Bounds the sockets that are open at the same time from one client address. */
export interface ConnectionLimit {
  hasRoom(address: string): boolean;
  /** @returns Gives the slot back; call it once. */
  open(address: string): () => void;
}

export const createConnectionLimit = ({ perAddress }: { perAddress: number }): ConnectionLimit => {
  const counts = new Map<string, number>();
  const countOf = (address: string): number => counts.get(address) ?? 0;
  return {
    hasRoom: (address) => countOf(address) < perAddress,
    open: (address) => {
      counts.set(address, countOf(address) + 1);
      return () => {
        const left = countOf(address) - 1;
        if (left > 0) counts.set(address, left);
        else counts.delete(address);
      };
    },
  };
};
