import { describe, expect, it } from 'vitest';
import { type Config, readConfig } from '../../src/config/read-config.ts';
import { type Env, faultsOf } from '../helpers/settings.ts';

const KEY = { OPENAI_API_KEY: 'sk-1' };
const LOCALHOST = { OPENAI_BASE_URL: 'http://localhost:8000/v1' };
const MODEL = { OPENAI_MODEL: 'some-model' };
const ASSISTANT = { OPENAI_ASSISTANT_ID: 'asst_1' };
const at = (host: string): Env => ({ OPENAI_BASE_URL: `https://${host}/v1` });

describe('BACKEND', () => {
  it.each<[string, Env, Partial<Config['upstream']>]>([
    ['no key and no base URL: offline', {}, { kind: 'offline' }],
    ['no key, but an assistant id or a model: offline', { ...ASSISTANT, ...MODEL }, { kind: 'offline' }],
    [
      'a key alone: responses at OpenAI',
      KEY,
      { kind: 'responses', isOpenAI: true, model: 'gpt-6-luna', baseUrl: 'https://api.openai.com/v1' },
    ],
    ['another model', { ...KEY, ...MODEL }, { kind: 'responses', model: 'some-model' }],
    ['OpenAI in a region', { ...KEY, ...at('eu.api.openai.com') }, { kind: 'responses', isOpenAI: true }],
    ['Azure OpenAI', { ...KEY, ...at('mine.openai.azure.com') }, { kind: 'responses', isOpenAI: true }],
    [
      'Azure AI Foundry',
      { ...KEY, ...at('mine.services.ai.azure.com') },
      { kind: 'responses', isOpenAI: true },
    ],
    [
      'Azure Cognitive Services',
      { ...KEY, ...at('mine.cognitiveservices.azure.com') },
      { kind: 'responses', isOpenAI: true },
    ],
    [
      'a host that only looks like OpenAI',
      { ...KEY, ...MODEL, ...at('api.openai.com.evil.example') },
      { kind: 'completions', isOpenAI: false },
    ],
    [
      'a host that only ends like OpenAI',
      { ...KEY, ...MODEL, ...at('notopenai.com') },
      { kind: 'completions', isOpenAI: false },
    ],
    [
      'another host with an assistant id',
      { ...LOCALHOST, ...ASSISTANT, ...KEY },
      { kind: 'assistants', isOpenAI: false, assistantId: 'asst_1' },
    ],
    [
      'another host',
      { ...LOCALHOST, ...MODEL, ...KEY },
      { kind: 'completions', model: 'some-model', apiKey: 'sk-1' },
    ],
    ['another host without a key', { ...LOCALHOST, ...MODEL }, { kind: 'completions', apiKey: undefined }],
    ['offline in spite of a key', { BACKEND: 'offline', ...KEY, ...LOCALHOST }, { kind: 'offline' }],
    [
      'responses at another host',
      { BACKEND: 'responses', ...LOCALHOST },
      { kind: 'responses', isOpenAI: false, model: 'gpt-6-luna' },
    ],
    [
      'completions at OpenAI',
      { BACKEND: 'completions', ...KEY, ...MODEL },
      { kind: 'completions', isOpenAI: true },
    ],
    [
      'completions in spite of an assistant id',
      { BACKEND: 'completions', ...LOCALHOST, ...MODEL, ...ASSISTANT },
      { kind: 'completions' },
    ],
    [
      'assistants at OpenAI that a model replaces',
      { BACKEND: 'assistants', ...KEY, ...MODEL },
      { kind: 'responses', model: 'some-model' },
    ],
    [
      'an assistant id that a model replaces at OpenAI',
      { ...KEY, ...ASSISTANT, ...MODEL },
      { kind: 'responses', model: 'some-model' },
    ],
  ])('%s', (_, env, upstream) => {
    expect(readConfig(env).upstream).toMatchObject(upstream);
  });

  it.each<[string, Env, RegExp[]]>([
    [
      'an assistant id at OpenAI',
      { ...KEY, ...ASSISTANT },
      [/^OPENAI_ASSISTANT_ID .*shut down.*ASSISTANT_FILE.*OPENAI_MODEL/],
    ],
    [
      'an assistant id at Azure',
      { ...KEY, ...ASSISTANT, ...at('mine.openai.azure.com') },
      [/^OPENAI_ASSISTANT_ID .*shut down/],
    ],
    [
      'assistants at OpenAI',
      { BACKEND: 'assistants', ...KEY },
      [/^BACKEND=assistants .*shut down.*OPENAI_MODEL/],
    ],
    ['a fallback at OpenAI without a key', { FALLBACK_BACKEND: 'auto' }, [/^FALLBACK_API_KEY is absent/]],
    [
      'a fallback without a model',
      { FALLBACK_BASE_URL: 'http://localhost:9000/v1' },
      [/^FALLBACK_MODEL is absent/],
    ],
    [
      'a fallback on the Assistants wire without an assistant file',
      { FALLBACK_BACKEND: 'assistants', FALLBACK_BASE_URL: 'http://localhost:9000/v1' },
      [/^ASSISTANT_FILE is absent/],
    ],
    ['completions without a model', { ...LOCALHOST, ...KEY }, [/^OPENAI_MODEL is absent.*takes/]],
    [
      'assistants without an id',
      { BACKEND: 'assistants', ...LOCALHOST },
      [/^OPENAI_ASSISTANT_ID is absent.*takes/],
    ],
    [
      'responses at OpenAI without a key',
      { BACKEND: 'responses' },
      [/^OPENAI_API_KEY is absent.*api\.openai\.com/],
    ],
    [
      'Azure without a key',
      at('mine.openai.azure.com'),
      [/^OPENAI_API_KEY is absent.*mine\.openai\.azure\.com/],
    ],
    [
      'several at once',
      { BACKEND: 'completions', PORT: 'x' },
      [/^PORT is "x"/, /^OPENAI_API_KEY/, /^OPENAI_MODEL/],
    ],
  ])('refuses the start: %s', (_, env, faults) => {
    const told = faultsOf(env);
    expect(told).toHaveLength(faults.length);
    for (const [n, fault] of faults.entries()) expect(told[n]).toMatch(fault);
  });

  it.each<[string, Env, RegExp[]]>([
    ['the offline assistant', {}, [/no AI does/]],
    [
      'the offline assistant that was chosen',
      { BACKEND: 'offline', ...KEY },
      [/BACKEND=offline.*no AI does/],
    ],
    [
      'an assistant id that is not used',
      { ...KEY, ...ASSISTANT, ...MODEL },
      [/^OPENAI_ASSISTANT_ID is not used.*OPENAI_MODEL/],
    ],
    ['a server that is called without a key', { ...LOCALHOST, ...MODEL }, [/OPENAI_API_KEY.*localhost/]],
    ['nothing', { ...LOCALHOST, ...MODEL, ...KEY }, []],
  ])('warns of %s', (_, env, warnings) => {
    const closed = { ALLOWED_ORIGINS: 'https://a.example', IDENTITY: 'signed' };
    const told = readConfig({ ...env, ...closed }).warnings;
    expect(told).toHaveLength(warnings.length);
    for (const [n, warning] of warnings.entries()) expect(told[n]).toMatch(warning);
  });

  it('and the start warn of what is open: any origin, identity on trust', () => {
    expect(readConfig({ ...LOCALHOST, ...MODEL, ...KEY }).warnings).toEqual([
      expect.stringContaining('ALLOWED_ORIGINS'),
      expect.stringContaining('IDENTITY'),
    ]);
  });
});

describe('the assistant file', () => {
  const closed = { ALLOWED_ORIGINS: 'https://a.example', IDENTITY: 'signed' };
  const file = { model: 'model-of-the-file' };

  it('replaces an assistant id at OpenAI, with a warning', () => {
    const { upstream, warnings } = readConfig({ ...KEY, ...ASSISTANT, ...closed }, { model: undefined });
    expect(upstream).toMatchObject({ kind: 'responses', model: 'gpt-6-luna' });
    expect(warnings).toEqual([expect.stringMatching(/^OPENAI_ASSISTANT_ID is not used.*assistant file/)]);
  });

  it('may name the model of completions', () => {
    expect(readConfig({ ...LOCALHOST, ...KEY }, file).upstream).toMatchObject({ kind: 'completions' });
  });

  it('may be what an assistant is made from at a server', () => {
    const { upstream } = readConfig({ BACKEND: 'assistants', ...LOCALHOST }, file);
    expect(upstream).toMatchObject({ kind: 'assistants', assistantId: undefined });
  });
});

describe('FALLBACK_…', () => {
  it.each<[string, Env, object]>([
    ['a key alone: responses at OpenAI', { FALLBACK_API_KEY: 'sk-2' }, { kind: 'responses', isOpenAI: true }],
    [
      'an address and a model: completions',
      { FALLBACK_BASE_URL: 'http://localhost:9000/v1', FALLBACK_MODEL: 'm' },
      { kind: 'completions', model: 'm', apiKey: undefined },
    ],
  ])('%s', (_, env, fallback) => {
    expect(readConfig(env).fallback).toMatchObject(fallback);
  });

  it('absent: there is none', () => {
    expect(readConfig(KEY).fallback).toBeUndefined();
  });
});
