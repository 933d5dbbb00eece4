/**
 * What is remembered between pages. Where the browser denies storage (blocked cookies, sandboxed frames, no space) the
 * widget works from this page's own memory.
 */
export interface Memory {
  get(key: string): string | undefined;
  /** Undefined forgets. */
  set(key: string, value: string | undefined): void;
}

/** @param area Gives the storage; it may throw by being asked for. */
export const memoryIn = (area: () => Storage, prefix: string): Memory => {
  let own: Map<string, string> | undefined;
  const orOwn = <T>(ask: (storage: Storage) => T, instead: (kept: Map<string, string>) => T): T => {
    if (own) return instead(own);
    try {
      return ask(area());
    } catch {
      own = new Map();
      return instead(own);
    }
  };
  return {
    get: (key) =>
      orOwn(
        (storage) => storage.getItem(prefix + key) ?? undefined,
        (kept) => kept.get(key),
      ),
    set: (key, value) =>
      orOwn(
        (storage) =>
          value === undefined ? storage.removeItem(prefix + key) : storage.setItem(prefix + key, value),
        (kept) => void (value === undefined ? kept.delete(key) : kept.set(key, value)),
      ),
  };
};

/** A random UUID, also on pages without TLS, where `crypto.randomUUID` is not there. */
export const uuid = (): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};
