import { createRoute, z } from '@hono/zod-openapi';
import type { Context, Handler, MiddlewareHandler } from 'hono';
import type { Exchange } from '../../chat/model.ts';
import { forbidden, invalidJson, invalidRequest, sessionRequired } from '../../errors.ts';
import { acceptMessage } from '../accept-message.ts';
import type { AppEnv } from '../context.ts';
import { failures } from '../failure-answers.ts';
import { jsonBodyGuard } from '../request-guards.ts';
import type { RouteDeps } from '../route-deps.ts';
import { checkedRoutes, json, jsonBody } from '../route-parts.ts';
import { chatHeaders, messageText } from '../schemas.ts';
import { bearer, sessionSpeaker } from '../who-speaks.ts';
import type { Dialect } from './dialect.ts';
import { makeEmbeddingRoutes } from './make-embedding.ts';

/**
 * The token chat: a server gets a temporary key for its site key, a page begins a session with it, and sends
 * `{query}` with the bare session token as `Authorization`. All is served with and without `/api` in front.
 */

const apiKey = z.object({
  'x-api-key': z.string().optional().openapi({ description: 'A temporary key, or a site key.' }),
});

const getKey = createRoute({
  method: 'post',
  path: '/get_temp_api_key',
  summary: 'Get a temporary key for a site key',
  request: { headers: apiKey },
  responses: {
    200: json(
      'The key; under two names, because the clients differ',
      z.object({
        api_key: z.string(),
        temp_api_key: z.string(),
        expires_at: z.number().openapi({ description: 'Seconds since 1970.' }),
      }),
    ),
    ...failures('forbidden', 'origin', 'limits'),
  },
});

const startChat = (path: string) =>
  createRoute({
    method: 'post',
    path,
    summary: 'Begin an anonymous session with a temporary key or a site key',
    request: { headers: apiKey },
    responses: {
      200: json(
        'The session token, and the path for its messages',
        z.object({ jwt_token: z.string(), url: z.string() }),
      ),
      ...failures('forbidden', 'origin', 'limits'),
    },
  });

const queryRequest = (maxChars: number) =>
  z.object({ query: messageText(maxChars, 'query') }, { error: 'The body must be a JSON object.' });
const queryAnswer = z.object({
  query: z.string(),
  answer: z.string(),
  id: z.string(),
  truncated: z.literal(true).optional(),
});

const postChat = (maxChars: number) =>
  createRoute({
    method: 'post',
    path: '/chat',
    summary: 'Send a query and get the answer',
    description:
      'With the session token as bare `Authorization` header. POST /api/chat takes the same where its `Authorization` is a bare token.',
    request: {
      headers: chatHeaders,
      body: jsonBody(queryRequest(maxChars).openapi('QueryRequest')),
    },
    responses: {
      200: json('The answer', queryAnswer),
      ...failures('body', 'session', 'origin', 'limits', 'message', 'upstream'),
    },
  });

const toQueryAnswer = ({ id, user, bot, truncated }: Exchange): z.output<typeof queryAnswer> => ({
  query: user,
  answer: bot ?? '',
  id,
  ...(truncated ? { truncated } : {}),
});

/** A token without `Bearer` in front; undefined for any other header, which is no matter of this dialect. */
const bareToken = (authorization: string | undefined): string | undefined =>
  /^[\w-]+\.[\w-]+\.[\w-]*$/.exec(authorization?.trim() ?? '')?.[0];

/** POST /get_temp_api_key, POST /start_chat, POST /chat, and POST /api/chat for what comes with a bare token. */
export const tokenChat = (
  deps: Pick<RouteDeps, 'chat' | 'documents' | 'edge' | 'identity' | 'limits' | 'messages'>,
): Dialect => {
  const { identity, limits, messages } = deps;
  const { tokens, isSiteKey, temporaryKeys } = identity;
  const schema = queryRequest(messages.maxChars);
  const keyOf = (c: Context<AppEnv>): string =>
    c.req.header('x-api-key') ?? bearer(c.req.header('authorization')) ?? '';
  /** A site's server calls for many visitors from one address. */
  const unlessSiteKey: MiddlewareHandler<AppEnv> = (c, next) =>
    isSiteKey(keyOf(c)) ? next() : limits.post.byAddress(c, next);

  const answer = async (c: Context<AppEnv>, token: string, query: string, key: string | undefined) => {
    const speaker = await sessionSpeaker(token, c.req.header('authorization'), identity);
    const turn = await acceptMessage(c, { speaker, text: query, key }, deps);
    c.header('Cache-Control', 'no-store');
    return toQueryAnswer(await turn.outcome);
  };

  const routes = checkedRoutes();
  routes.post('/get_temp_api_key', unlessSiteKey);
  routes.openapi(getKey, async (c) => {
    if (!isSiteKey(keyOf(c))) throw forbidden();
    const { key, expiresAt } = await temporaryKeys.issue();
    c.header('Cache-Control', 'no-store');
    return c.json({ api_key: key, temp_api_key: key, expires_at: expiresAt }, 200);
  });

  for (const prefix of ['/api', ''] as const) {
    routes.post(`${prefix}/start_chat`, unlessSiteKey);
    routes.openapi(startChat(`${prefix}/start_chat`), async (c) => {
      const key = keyOf(c);
      if (!isSiteKey(key) && !(await temporaryKeys.isGood(key))) throw forbidden();
      const { token } = await tokens.issue();
      c.header('Cache-Control', 'no-store');
      // A path: which host and scheme the page sees is known to the proxies in front alone.
      return c.json({ jwt_token: token, url: `${prefix}/chat` }, 200);
    });
  }

  routes.post('/chat', limits.post.byAddress, jsonBodyGuard());
  routes.openapi(postChat(messages.maxChars), async (c) => {
    const authorization = c.req.header('authorization')?.trim();
    // Nothing else speaks on this path, so whatever stands there is meant for a token.
    const token = bearer(authorization) ?? authorization;
    if (!token) throw sessionRequired();
    const { 'idempotency-key': key } = c.req.valid('header');
    return c.json(await answer(c, token, c.req.valid('json').query, key), 200);
  });

  /** Our own POST /api/chat comes after it, for all that is not of this form. */
  const chatBeforeOurs: Handler<AppEnv> = async (c, next) => {
    const token = bareToken(c.req.header('authorization'));
    if (token === undefined) return next();
    const body: unknown = await c.req.json().catch((cause: unknown) => {
      throw invalidJson({ cause });
    });
    if (body instanceof Object && 'message' in body) return next();
    const said = schema.safeParse(body);
    const headers = chatHeaders.safeParse({ 'idempotency-key': c.req.header('idempotency-key') });
    const issue = said.error?.issues[0] ?? headers.error?.issues[0];
    if (!said.data || !headers.data) throw invalidRequest(issue?.message ?? 'The request is not valid.');
    return c.json(await answer(c, token, said.data.query, headers.data['idempotency-key']), 200);
  };
  routes.post('/api/chat', chatBeforeOurs);
  routes.route('/', makeEmbeddingRoutes(deps));

  return { routes };
};
