import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/ops/metrics.ts';
import { createPrices } from '../../src/ops/prices.ts';

const GRAFANA = path.resolve(import.meta.dirname, '../../docs/grafana');

/** All gauges, so that every metric that the service can have is there. */
const knownMetrics = async (): Promise<Set<string>> => {
  const zero = () => 0;
  const metrics = createMetrics(createPrices(new Map()), {
    liveTurns: zero,
    liveSockets: zero,
    storeQueue: zero,
    projectionSeconds: zero,
    budgets: async () => [{ budget: 'DAILY_COST', used: 1, limit: 2 }],
  });
  return new Set([...(await metrics.text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name));
};

describe('the Grafana dashboard and the alert rules', () => {
  it('ask for metrics that there are', async () => {
    const known = await knownMetrics();
    for (const file of ['dashboard.json', 'alerts.yaml']) {
      const asked = readFileSync(path.join(GRAFANA, file), 'utf8').matchAll(/\b(?:thread_proxy|nodejs)_\w+/g);
      const names = [...asked].map(([name]) => name.replace(/_bucket$/, ''));
      expect(names.length).toBeGreaterThan(5);
      expect(
        names.filter((name) => !known.has(name)),
        file,
      ).toEqual([]);
    }
  });

  it('show every metric of ours', async () => {
    const dashboard = readFileSync(path.join(GRAFANA, 'dashboard.json'), 'utf8');
    const ours = [...(await knownMetrics())].filter((name) => name.startsWith('thread_proxy_'));
    expect(ours.length).toBeGreaterThan(10);
    expect(ours.filter((name) => !dashboard.includes(name))).toEqual([]);
  });
});
