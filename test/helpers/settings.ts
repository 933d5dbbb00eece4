import { expect } from 'vitest';
import { ConfigError, readConfig } from '../../src/config/read-config.ts';

export type Env = Readonly<Record<string, string>>;

/** What readConfig has against these settings, a line each; none where it takes them. */
export const faultsOf = (env: Env): string[] => {
  try {
    readConfig(env);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(ConfigError);
    const [head, ...faults] = String(thrown instanceof Error ? thrown.message : thrown).split('\n');
    expect(head).toBe('Invalid settings:');
    return faults.map((line) => line.trim());
  }
  return [];
};
