import { createRoute, z } from '@hono/zod-openapi';
import { invalidRequest, sessionRequired } from '../../errors.ts';
import { failures } from '../failure-answers.ts';
import { REFRESHED_WITH } from '../history.ts';
import { messageFor } from '../messages/languages.ts';
import type { RouteDeps } from '../route-deps.ts';
import { checkedRoutes, json } from '../route-parts.ts';
import { historyAnswer, messageText, visitorName } from '../schemas.ts';
import type { SocketProtocol } from '../socket/protocol.ts';
import { pageAnswer, readPage } from '../transcript-page.ts';
import { bearer, sessionSpeaker } from '../who-speaks.ts';
import type { Dialect } from './dialect.ts';

/**
 * The socket chat: `POST /token?name=` begins a session, `WS /chat?token=` carries plain texts both ways, and
 * `POST /refresh_token` gives what was said.
 */

const tokenAnswer = z.object({ name: z.string(), token: z.string() });

const postToken = createRoute({
  method: 'post',
  path: '/token',
  summary: 'Begin a session under a name',
  request: { query: z.object({ name: visitorName('name') }) },
  responses: {
    200: json('The session token', tokenAnswer),
    ...failures('invalid_request', 'origin', 'limits'),
  },
});

const refreshToken = createRoute({
  method: 'post',
  path: '/refresh_token',
  summary: 'Get what was said while the line was lost',
  description: 'With the token as Bearer. The token stays good.',
  responses: {
    200: json('The token and the recent history', tokenAnswer.partial().extend(historyAnswer.shape)),
    ...failures('session', 'origin', 'limits', 'log'),
  },
});

/** A frame is a message, and a frame is its whole answer, or the sentence that tells why there is none. */
const plainFrames = (maxChars: number): SocketProtocol => {
  const message = messageText(maxChars);
  return {
    read: (text) => {
      const { data, error } = message.safeParse(text);
      if (data !== undefined) return { type: 'message', text: data };
      return {
        type: 'refused',
        error: invalidRequest(error?.issues[0]?.message ?? 'The frame is not valid.'),
      };
    },
    event: (_, { event }, { acceptLanguage }) => {
      if (event.type === 'done') return event.exchange.bot ?? '';
      return event.type === 'error' ? messageFor(event.error, acceptLanguage) : undefined;
    },
    refusal: (error, { acceptLanguage }) => messageFor(error, acceptLanguage),
  };
};

/** POST /token?name=, WS /chat?token= and POST /refresh_token. */
export const socketChat = ({
  identity,
  limits,
  messages,
  transcript,
}: Pick<RouteDeps, 'identity' | 'limits' | 'messages' | 'transcript'>): Dialect => {
  const routes = checkedRoutes();

  routes.post(
    '/token',
    async function alsoAsDetail(c, next) {
      // What these clients look for in a refusal, beside our own form.
      c.set('failureDetail', ({ code, detail: msg }) =>
        code === 'invalid_request' ? { detail: { loc: 'name', msg } } : {},
      );
      await next();
    },
    limits.post.byAddress,
  );
  routes.openapi(postToken, async (c) => {
    const { name } = c.req.valid('query');
    const { token } = await identity.tokens.issue({ name });
    c.header('Cache-Control', 'no-store');
    return c.json({ name, token }, 200);
  });

  routes.post('/refresh_token', limits.post.byAddress);
  routes.openapi(refreshToken, async (c) => {
    const token = bearer(c.req.header('authorization'));
    if (token === undefined) throw sessionRequired();
    const { visitor, name } = await sessionSpeaker(token, undefined, identity);
    const recent = await readPage(transcript, visitor, { limit: REFRESHED_WITH });
    c.header('Cache-Control', 'no-store');
    const answer = { ...(name === undefined ? {} : { name }), token };
    return c.json({ ...answer, ...pageAnswer(recent) }, 200);
  });

  return {
    routes,
    sockets: { '/chat': plainFrames(messages.maxChars) },
  };
};
