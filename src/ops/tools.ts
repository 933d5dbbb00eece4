import type { Calendar } from './calendar.ts';
import type { Eraser } from './erasure.ts';
import type { LogEntry } from './export-forms.ts';
import type { Metrics } from './metrics.ts';
import type { OpsStore } from './ops-port.ts';
import type { OpsPagesDeps } from './pages/deps.ts';
import type { Prices } from './prices.ts';
import type { Refusals } from './refusals.ts';

/** What routes have for operators. */
export interface OpsTools {
  readonly store: OpsStore;
  readonly eraser: Eraser;
  readonly metrics: Metrics;
  /** Whether /metrics is open to everybody. */
  readonly metricsArePublic: boolean;
  readonly refusals: Refusals;
  readonly prices: Prices;
  readonly calendar: Calendar;
  readonly logEntry: LogEntry;
  /** What the pages need beside; undefined: they are off. */
  readonly pages: Omit<OpsPagesDeps, 'isOpsToken' | 'hasOpsToken' | 'isSecure' | 'countAttempt'> | undefined;
}
