import type { Chat } from '../chat/chat-api.ts';
import type { Clock, Logger } from '../chat/ports.ts';
import type { FeedbackLog, Transcript } from '../chat/store-port.ts';
import type { ServedDocuments } from '../documents/documents.ts';
import type { TemporaryKeys } from '../identity/temporary-keys.ts';
import type { OpsTools } from '../ops/tools.ts';
import type { WidgetSettings } from '../widget/protocol/widget-settings.ts';
import type { CallLimit, VisitorLimit } from './call-limits.ts';
import type { Edge } from './edge.ts';
import type { OpsGuesses } from './ops-guesses.ts';
import type { Identity } from './who-speaks.ts';
import type { Assets } from './widget/assets.ts';

/** Whether chats can be served; if not, why; and what operators should know. Texts that anyone may read. */
export type Readiness =
  | { readonly ready: true; readonly notes: readonly string[] }
  | { readonly ready: false; readonly reason: string };

/** What routes are made of, by concern. A route asks for the groups that it uses: `Pick<RouteDeps, 'chat' | 'limits'>`. */
export interface RouteDeps {
  readonly chat: Chat;
  /** What visitors and operators read of the exchanges. */
  readonly transcript: Pick<Transcript, 'recent' | 'visitors' | 'exchange'>;
  readonly feedback: FeedbackLog;
  /** Who speaks, and what proves it. */
  readonly identity: Identity & { readonly temporaryKeys: TemporaryKeys };
  /** How often one may call. */
  readonly limits: {
    /** Posted messages, frames and sessions. */
    readonly post: CallLimit;
    /** Reading, stopping and clearing: it must not cost a visitor messages. */
    readonly read: CallLimit;
    /** Messages of one session or user, wherever from. */
    readonly visitor: VisitorLimit;
    /** Wrong ops tokens. */
    readonly opsToken: OpsGuesses;
  };
  readonly edge: Edge;
  /** How messages and answers travel. */
  readonly messages: {
    /** Longest message, in UTF-16 units. */
    readonly maxChars: number;
    /** Milliseconds between signs of life to a reader. */
    readonly heartbeatMs: number;
  };
  readonly ops: {
    /** Tells the ops token from others; null: the ops routes are off. */
    readonly isOpsToken: ((given: string) => boolean) | null;
    readonly tools: OpsTools;
  };
  /** What the assistant may quote. */
  readonly documents: ServedDocuments;
  /** What the service tells about itself. */
  readonly about: {
    readonly version: string;
    /** The assistant as it is now. */
    readonly assistant: () => { readonly name: string | undefined; readonly model: string | undefined };
    readonly readiness: () => Readiness;
    /** What the assistant's file says of our own chat bubble. */
    readonly widget: () => WidgetSettings;
    /** Whether the built-in assistant answers. */
    readonly isOffline: boolean;
  };
  readonly pages: {
    /** The files of our own chat bubble. */
    readonly widgetAssets: () => Promise<Assets>;
    /** Whether the demo page is at `/`. */
    readonly isDemoOn: boolean;
    /** This service's address for browsers, as its owner has set it. */
    readonly publicOrigin: string | undefined;
  };
  readonly clock: Clock;
  readonly logger: Logger;
}
