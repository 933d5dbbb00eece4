import type { Context } from 'hono';
import type { Visitor } from '../../chat/model.ts';
import type { Clock, Logger } from '../../chat/ports.ts';
import type { ServedDocuments } from '../../documents/documents.ts';
import type { BudgetWarning } from '../budget.ts';
import type { Calendar } from '../calendar.ts';
import type { Erased } from '../erasure.ts';
import type { LogEntry } from '../export-forms.ts';
import type { LiveFeed } from '../live-feed.ts';
import type { OpsStore } from '../ops-port.ts';
import type { Prices } from '../prices.ts';
import type { SessionDeps } from './session.ts';
import type { ShownSetting } from './settings-page.ts';

/** What the operators' pages are made of. */
export interface OpsPagesDeps extends SessionDeps {
  readonly store: OpsStore;
  readonly erase: (visitor: Visitor, by: string) => Promise<Erased>;
  /** Counts a try to sign in. @throws AppError `rate_limited` */
  readonly countAttempt: (c: Context) => Promise<void>;
  readonly budgets: () => Promise<readonly BudgetWarning[]>;
  readonly live: LiveFeed;
  readonly logEntry: LogEntry;
  readonly settings: readonly ShownSetting[];
  /** What the assistant may quote. */
  readonly documents: ServedDocuments;
  readonly calendar: Calendar;
  readonly prices: Prices;
  readonly clock: Clock;
  readonly logger: Logger;
}
