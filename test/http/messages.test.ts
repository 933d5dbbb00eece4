import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { forbidden, invalidRequest, rateLimited } from '../../src/errors.ts';
import { messageFor } from '../../src/http/messages/languages.ts';
import { allEvents } from '../helpers/events.ts';
import { startBoth } from '../helpers/service.ts';
import { openSocket, tokenFor } from '../helpers/sockets.ts';

const GERMAN = 'Zu viele Nachrichten. Bitte warten Sie einen Moment.';

describe('what a visitor is told of a failure', () => {
  it.each([
    [undefined, 'Too many messages. Please wait a moment.'],
    ['', 'Too many messages. Please wait a moment.'],
    ['de', GERMAN],
    ['de-AT,de;q=0.9,en;q=0.8', GERMAN],
    ['DE', GERMAN],
    ['en-GB,de;q=0.9', 'Too many messages. Please wait a moment.'],
    ['de;q=0.5,fr;q=0.9', 'Trop de messages. Veuillez patienter un instant.'],
    ['xx,pt-BR;q=0.3', 'Demasiadas mensagens. Aguarde um momento.'],
    ['de;q=0,*', 'Too many messages. Please wait a moment.'],
    ['fr;q=0', 'Too many messages. Please wait a moment.'],
    ['constructor,__proto__', 'Too many messages. Please wait a moment.'],
    [';;;,q=,de', GERMAN],
  ])('for Accept-Language %j is in the first language that there is', (header, message) => {
    expect(messageFor(rateLimited(), header)).toBe(message);
  });

  it.each(['ar', 'de', 'es', 'fr', 'it', 'ja', 'nl', 'pl', 'pt', 'tr', 'zh'])(
    'is there in %s',
    (language) => {
      for (const error of [forbidden(), rateLimited(), invalidRequest('x')]) {
        expect(messageFor(error, language)).not.toBe(error.message);
      }
    },
  );

  it('is for people who chat; what developers need is in the detail, in English', async () => {
    const { service } = await startBoth();
    const { body } = await service.post({ message: 'x'.repeat(4_001) }, { 'Accept-Language': 'fr' });
    expect(body.error).toEqual({
      code: 'invalid_request',
      message: 'Ce message ne peut pas être envoyé. Il est peut-être vide ou trop long.',
      detail: 'message must be a text of 1 to 4000 characters.',
      request_id: expect.any(String),
    });
  });

  it('is in the language that the address names, whatever the browser prefers', async () => {
    const { service } = await startBoth();
    const french = { 'Accept-Language': 'fr', 'Content-Type': 'application/json' };
    const told = async (lang: string) => {
      const path = `${service.url}/api/chat?lang=${lang}`;
      const response = await fetch(path, { method: 'POST', headers: french, body: '{"message":""}' });
      return response.text();
    };
    expect(await told('de')).toContain('Diese Nachricht kann nicht gesendet werden');
    expect(await told('de-AT')).toContain('Diese Nachricht kann nicht gesendet werden');
    for (const unknown of ['xx', '', '%0d%0a', '../de', '*'])
      expect(await told(unknown)).toContain('Ce message');
  });

  it('comes in the language of the reader at the end of a stream and over a WebSocket, too', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', times: 2, fault: { kind: 'status', status: 400 } });
    const german = { 'Accept-Language': 'de' };
    const { events } = await service.stream({ user_id: 'ann', message: 'Hi' }, german);
    const message = 'Der Assistent konnte diese Nachricht nicht beantworten.';
    expect((await allEvents(events)).at(-1)?.data.error).toMatchObject({
      code: 'upstream_rejected',
      message,
    });
    const socket = await openSocket(service, { token: await tokenFor(service), headers: german });
    socket.send({ type: 'message', id: 'm-1', message: 'Hi' });
    expect((await socket.until()).at(-1)?.error).toMatchObject({ code: 'upstream_rejected', message });
    const url = `${service.url.replace('http', 'ws')}/api/chat/ws?token=${await tokenFor(service)}&lang=de`;
    const named = new WebSocket(url);
    const refused = once(named, 'message');
    await once(named, 'open');
    named.send(JSON.stringify({ type: 'message', id: 'm-2', message: '' }));
    const [event] = await refused;
    named.close();
    expect(String(event.data)).toContain('Diese Nachricht kann nicht gesendet werden');
  });
});
