import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, startChildService } from '../helpers/child-service.ts';
import { until } from '../helpers/events.ts';
import {
  BACKENDS,
  startBoth,
  startEmulator,
  startService,
  temporaryFolder,
  upstreamEnv,
} from '../helpers/service.ts';

const DEFINITION = {
  id: 'asst_old',
  object: 'assistant',
  created_at: 1_700_000_000,
  name: 'Support',
  description: null,
  model: 'model-of-the-file',
  instructions: 'Speak like a pirate.',
  tools: [],
  tool_resources: {},
  temperature: 0.5,
  top_p: null,
  response_format: 'auto',
  metadata: {},
};

const fileWith = async (definition: object) => {
  const file = path.join(await temporaryFolder(), 'assistant.json');
  const write = (next: object | string) =>
    writeFile(file, typeof next === 'string' ? next : JSON.stringify(next));
  await write(definition);
  return { file, write };
};

describe('the assistant file', () => {
  it.each(BACKENDS)('says who the assistant is at the %s backend, message by message', async (backend) => {
    const { file } = await fileWith(DEFINITION);
    const { service, emulator } = await startBoth({ backend, env: { ASSISTANT_FILE: file } });
    for (const message of ['one', 'two']) {
      expect((await service.post({ user_id: 'ann', message })).status).toBe(200);
      const sent = JSON.stringify(emulator.requests.at(-1)?.body);
      expect(sent).toContain('Speak like a pirate.');
      expect(sent).toContain('"model":"model-of-the-file"');
      expect(sent).toContain('"temperature":0.5');
    }
  });

  it('that is the example starts on every backend', async () => {
    for (const backend of BACKENDS) {
      const env = { ASSISTANT_FILE: path.join(ROOT, 'assistant.example.json') };
      const { service } = await startBoth({ backend, env });
      expect((await service.post({ message: 'Hello!' })).status).toBe(200);
    }
  });

  it('is reloaded, a broken one is refused, and threads go on', async () => {
    const { file, write } = await fileWith(DEFINITION);
    const { service, emulator } = await startBoth({ env: { ASSISTANT_FILE: file } });
    await service.post({ user_id: 'ann', message: 'one' });
    await write({ ...DEFINITION, instructions: 'Speak like a poet.' });
    await service.reloadAssistant();
    await service.post({ user_id: 'ann', message: 'two' });
    expect(emulator.requests.at(-1)?.body).toMatchObject({ instructions: 'Speak like a poet.' });
    // Better instructions rebuild nobody's thread.
    expect(emulator.threads).toBe(1);

    for (const broken of ['{', { ...DEFINITION, temperature: 'hot' }]) {
      await write(broken);
      await service.reloadAssistant();
    }
    await service.post({ user_id: 'ann', message: 'three' });
    expect(emulator.requests.at(-1)?.body).toMatchObject({ instructions: 'Speak like a poet.' });
    expect(service.lines.filter(({ level }) => level === 'error')).toHaveLength(2);
    expect(JSON.stringify(service.lines)).toContain('temperature');
  });

  it('is reloaded on SIGHUP', async () => {
    const { file, write } = await fileWith(DEFINITION);
    const emulator = await startEmulator();
    const service = await startChildService({ ...upstreamEnv(emulator), ASSISTANT_FILE: file });
    await write({ ...DEFINITION, instructions: 'Speak like a poet.' });
    service.kill('SIGHUP');
    await until(() => service.stdout().includes('reloaded the assistant file'), 'the reload of the file');
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
    expect(emulator.requests.at(-1)?.body).toMatchObject({ instructions: 'Speak like a poet.' });
  });

  it('rebuilds threads, with their memory, when it names another model', async () => {
    const { file, write } = await fileWith(DEFINITION);
    const { service, emulator } = await startBoth({ env: { ASSISTANT_FILE: file } });
    await service.post({ user_id: 'ann', message: 'I like apples.' });
    await write({ ...DEFINITION, model: 'another-model' });
    await service.reloadAssistant();
    const { body } = await service.post({ user_id: 'ann', message: 'What did I say first?' });
    expect(body.answer).toContain('I like apples.');
    expect(emulator.threads).toBe(2);
  });

  it('tells once at the start what the wire cannot carry', async () => {
    const tools = [{ type: 'file_search' }, { type: 'code_interpreter' }, { type: 'web_search' }];
    const { file } = await fileWith({ ...DEFINITION, tools });
    const { service } = await startBoth({ backend: 'completions', env: { ASSISTANT_FILE: file } });
    await service.post({ message: 'Hello!' });
    await service.post({ message: 'Hello!' });
    for (const name of ['file_search', 'code_interpreter', 'web_search']) {
      expect(
        service.lines.filter(({ level, msg }) => level === 'warn' && msg.includes(`(${name})`)),
      ).toHaveLength(1);
    }
  });
});

describe('an assistant that is made at the server', () => {
  const withoutId = (emulator: { url: string }, file: string) => {
    const { OPENAI_ASSISTANT_ID: _, ...env } = {
      OPENAI_ASSISTANT_ID: '',
      ...upstreamEnv(emulator, 'assistants'),
    };
    return { ...env, ASSISTANT_FILE: file };
  };

  it('is made once, also for visitors who come at once, and remembered through a restart', async () => {
    const { file } = await fileWith(DEFINITION);
    const emulator = await startEmulator({ assistants: [] });
    const env = withoutId(emulator, file);
    const service = await startService(env);
    await Promise.all(['ann', 'bob', 'cid'].map((user_id) => service.post({ user_id, message: 'Hello!' })));
    expect(emulator.calls.assistants).toBe(1);
    await service.stop();
    const again = await startService({ ...env, DATA_DIR: service.dir });
    expect((await again.post({ user_id: 'ann', message: 'What did I say first?' })).body.answer).toContain(
      'Hello!',
    );
    expect(emulator.calls.assistants).toBe(1);
    expect(emulator.requests.find(({ endpoint }) => endpoint === 'assistants')?.body).toMatchObject({
      name: 'Support',
      model: 'model-of-the-file',
      instructions: 'Speak like a pirate.',
    });
  });

  it('is made again when the server has lost it', async () => {
    const { file } = await fileWith(DEFINITION);
    const emulator = await startEmulator({ assistants: [] });
    const service = await startService(withoutId(emulator, file));
    await service.post({ user_id: 'ann', message: 'I like apples.' });
    emulator.forgetEverything();
    const { status, body } = await service.post({ user_id: 'ann', message: 'What did I say first?' });
    expect(status).toBe(200);
    expect(body.answer).toContain('I like apples.');
  });
});
