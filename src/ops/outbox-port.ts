import type { Visitor } from '../chat/model.ts';

/** An event for the site's webhook. */
export interface OutEvent {
  /** Names the delivery; the same at each try. */
  readonly id: string;
  readonly type: string;
  /** Whom it is about, so that it goes with the visitor. */
  readonly visitor?: Visitor;
  readonly at: number;
  /** The JSON that is sent. */
  readonly body: string;
}

export interface Delivery extends OutEvent {
  /** Tries so far. */
  readonly tries: number;
}

/** What operators see of deliveries. */
export interface OutboxState {
  readonly waiting: number;
  /** Given up, or failed at least once, newest first, at most 20; without their bodies. */
  readonly troubled: readonly {
    readonly id: string;
    readonly type: string;
    readonly at: number;
    readonly tries: number;
    readonly reason: string;
    readonly givenUp: boolean;
  }[];
}

/** Events on their way out. */
export interface Outbox {
  enqueue(event: OutEvent): Promise<void>;
  /**
   * Deliveries whose time has come, oldest first. Nobody else is given them before `leaseUntil`.
   * @param now Seconds since 1970.
   */
  due(now: number, leaseUntil: number, limit: number): Promise<readonly Delivery[]>;
  delivered(id: string): Promise<void>;
  /** @param next When to try again; null: never, and its body is dropped. */
  notDelivered(id: string, reason: string, next: number | null): Promise<void>;
  outboxState(): Promise<OutboxState>;
}
