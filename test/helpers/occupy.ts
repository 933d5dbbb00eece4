import { OpenAI } from 'openai';
import { z } from 'zod';
import type { Emulator } from '../../emulator/server.ts';

const used = z.object({ conversation: z.string() });

/**
 * Another process starts a run on the thread that the emulator was last asked about, and dies: the thread stays
 * busy until the run is cancelled.
 */
export const occupyThread = async (
  emulator: Emulator,
  backend: 'responses' | 'assistants',
): Promise<void> => {
  const last = emulator.requests.at(-1);
  const client = new OpenAI({ baseURL: emulator.url, apiKey: 'another', maxRetries: 0 });
  const dying = new AbortController();
  const endpoint = backend === 'responses' ? 'responses' : 'runs';
  emulator.fail({ on: endpoint, fault: { kind: 'hold' } });
  const call =
    backend === 'responses'
      ? client.responses.create(
          { conversation: used.parse(last?.body).conversation, model: 'm', input: 'left over', stream: true },
          { signal: dying.signal },
        )
      : client.beta.threads.runs.create(
          /threads\/(thread_\w+)\/runs/.exec(last?.path ?? '')?.[1] ?? '',
          { assistant_id: 'asst_test', stream: true },
          { signal: dying.signal },
        );
  await call.asResponse();
  const died = emulator.nextAbort();
  dying.abort();
  await died;
};
