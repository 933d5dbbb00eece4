import { z } from 'zod';
import { visitorKey, visitorOf } from '../../../chat/model.ts';
import type { Outbox } from '../../../ops/outbox-port.ts';
import type { Database } from '../database.ts';
import { storable } from '../rows.ts';

/** Deliveries in trouble that operators are shown. */
const SHOWN = 20;

const deliveryRow = z.object({
  id: z.string(),
  type: z.string(),
  visitor: z.string().nullable(),
  at: z.number(),
  body: z.string(),
  tries: z.number(),
});
const stateRow = z.object({
  waiting: z.number(),
  troubled: z.array(
    z.object({
      id: z.string(),
      type: z.string(),
      at: z.number(),
      tries: z.number(),
      reason: z.string(),
      givenUp: z.boolean(),
    }),
  ),
});

/** Events on their way to the site's webhook, which all processes share. */
export const createOutbox = ({ database }: { database: Database }): Outbox => ({
  async enqueue({ id, type, visitor, at, body }) {
    await database.ask(
      (sql) => sql`
        insert into tp_outbox (id, type, visitor, at, body, next)
        values (${id}, ${type}, ${visitor ? visitorKey(visitor) : null}::text, ${at}::float8, ${storable(body)},
          ${at}::float8)
        on conflict (id) do nothing`,
    );
  },
  async due(now, leaseUntil, limit) {
    const rows = await database.ask(
      (sql) => sql`
        with leased as (
          update tp_outbox set next = ${leaseUntil}::float8
          where id in (
            select id from tp_outbox where next <= ${now}::float8 order by at, id limit ${limit}
            for update skip locked
          )
          returning id, type, visitor, at, body, tries
        )
        select * from leased order by at, id`,
    );
    return z
      .array(deliveryRow)
      .parse([...rows])
      .map(({ visitor, ...rest }) => ({ ...rest, ...(visitor !== null && { visitor: visitorOf(visitor) }) }));
  },
  async delivered(id) {
    await database.ask((sql) => sql`delete from tp_outbox where id = ${id}`);
  },
  async notDelivered(id, reason, next) {
    await database.ask(
      (sql) => sql`
        update tp_outbox set tries = tries + 1, reason = ${storable(reason)}, next = ${next}::float8,
          body = case when ${next === null} then '' else body end
        where id = ${id}`,
    );
  },
  async outboxState() {
    const rows = await database.ask(
      (sql) => sql`
        select (select count(*) from tp_outbox where next is not null) as waiting,
          (select coalesce(json_agg(t order by t.at desc, t.id), '[]') from (
            select id, type, at, tries, reason, next is null as "givenUp" from tp_outbox
            where tries > 0 order by at desc, id limit ${SHOWN}
          ) t) as troubled`,
    );
    return stateRow.parse(rows[0]);
  },
});
