import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/ops/metrics.ts';
import { createPrices } from '../../src/ops/prices.ts';

const GRAFANA = path.resolve(import.meta.dirname, '../../docs/grafana');

describe('the Grafana dashboard and the alert rules', () => {
  it('ask for metrics that there are', async () => {
    const metrics = createMetrics(createPrices(new Map()), { liveTurns: () => 0 });
    const text = await metrics.text();
    const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
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
});
