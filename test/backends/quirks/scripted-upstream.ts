import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { atEnd, newVisitor, shared } from '../../helpers/at-end.ts';
import { type BackendName, startService, upstreamEnv } from '../../helpers/service.ts';

/** What an upstream sends, byte for byte. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** Each piece in a write of its own. */
  readonly body: string | Buffer | readonly (string | Buffer)[];
  /** What becomes of the connection after the body; by default the answer ends. */
  readonly ending?: 'cut' | 'hang';
}

/** A request as it came. */
export interface Sent {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readonly<Record<string, unknown>>;
}

const asObject = (value: unknown): Sent['body'] =>
  typeof value === 'object' && value !== null ? { ...value } : {};

/** What an upstream answers: it is told the request and how many runs were asked for before it. */
type Script = (sent: Sent, count: number) => Reply;

/** A server that answers posts as a script says. The thread that a run needs is made without the script. */
export const startUpstream = async (first: Script) => {
  let answer = first;
  const runs: Sent[] = [];
  const others: Sent[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const body: unknown = JSON.parse((await text(incoming)) || '{}');
    const path = incoming.url ?? '';
    const sent = { path, headers: incoming.headers, body: asObject(body) };
    const json = (status: number, value: object) =>
      outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (incoming.method === 'GET') return void json(404, { error: { message: 'Not Found' } });
    if (/\/(conversations|threads|items|cancel)$/.test(path) || incoming.method === 'DELETE') {
      others.push(sent);
      return void json(200, { id: `thread_${others.length}`, object: 'conversation' });
    }
    runs.push(sent);
    const reply = answer(sent, runs.length - 1);
    outgoing.on('error', () => undefined);
    outgoing.writeHead(reply.status ?? 200, reply.headers ?? { 'content-type': 'text/event-stream' });
    for (const piece of [reply.body].flat()) {
      outgoing.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (reply.ending === 'cut') outgoing.destroy();
    else if (reply.ending !== 'hang') outgoing.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  /** Gives it another script; what was asked for so far is forgotten. */
  const answerWith = (script: Script): void => {
    answer = script;
    runs.length = 0;
    others.length = 0;
  };
  return { url: `http://127.0.0.1:${port}/v1`, runs, others, answerWith };
};

/** A service in front of a scripted upstream. */
export const startScripted = async (
  backend: BackendName,
  answer: Script,
  env: Record<string, string> = {},
) => {
  const upstream = await startUpstream(answer);
  const service = await startService({ ...upstreamEnv(upstream, backend), RUN_TIMEOUT: '20s', ...env });
  return { ...upstream, service };
};

/** As {@link startScripted}, once for all tests of a `describe`: each gives it a script, and speaks as a new visitor. */
export const sharedScripted = (backend: BackendName, env: Record<string, string> = {}) => {
  const scripted = shared(() => startScripted(backend, () => SAYS[backend]('Hi.'), env));
  return (script: Script) => {
    scripted().answerWith(script);
    return { ...scripted(), user_id: newVisitor() };
  };
};

/** Events as they stand on the wire, each with its blank line. */
export const events = (...data: readonly (object | string)[]): string =>
  data.map((one) => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join('');

/** A chunk of a chat completion. */
export const chunk = (delta: object, finish: string | null = null, more: object = {}) => ({
  choices: [{ index: 0, delta, finish_reason: finish, ...more }],
});

export const STOP = chunk({}, 'stop');

/** A chat completion that says this. */
export const says = (content: string): Reply => ({ body: events(chunk({ content }), STOP, '[DONE]') });

/** A refusal with this JSON. */
export const refuses = (
  status: number,
  body: object | string,
  headers: Record<string, string> = {},
): Reply => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

/** A refusal in OpenAI's words. */
export const badRequest = (message: string, param: string | null = null): Reply =>
  refuses(400, { error: { message, type: 'invalid_request_error', param, code: null } });

/** An event of the Responses wire. */
export const typed = (type: string, more: object = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;

/** A response that says this. */
export const responds = (text: string): Reply => ({
  body:
    typed('response.output_text.delta', { output_index: 0, delta: text }) +
    typed('response.completed', { response: { status: 'completed', output: [] } }),
});

/** A run on the Assistants wire that says this, in this thread. */
export const runs = (text: string, thread: string): Reply => ({
  body: [
    ['thread.run.created', { id: 'run_1', thread_id: thread }],
    [
      'thread.message.delta',
      { id: 'msg_1', delta: { content: [{ index: 0, type: 'text', text: { value: text } }] } },
    ],
    ['thread.run.completed', { id: 'run_1', thread_id: thread, status: 'completed' }],
  ]
    .map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    .join('')
    .concat('event: done\ndata: [DONE]\n\n'),
});

/** The run that says this on a wire. */
export const SAYS: Record<BackendName, (text: string) => Reply> = {
  completions: says,
  responses: responds,
  assistants: (text) => runs(text, 'thread_1'),
};
