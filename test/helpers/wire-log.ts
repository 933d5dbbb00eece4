import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { atEnd } from './at-end.ts';

/** A proxy in front of a Postgres server that notes what is executed there. */
export interface WireLog {
  readonly port: number;
  /** The texts of the statements, in the order in which they were executed. */
  readonly executed: string[];
}

/** Reads what a client sends, message by message, and tells the statements. */
const createReader = (tell: (statement: string) => void) => {
  let bytes = Buffer.alloc(0);
  let isStarted = false;
  const prepared = new Map<string, string>();
  const textsIn = (body: Buffer): string[] => body.toString('utf8').split('\0');

  const read = (type: string, body: Buffer): void => {
    const [first = '', second = ''] = textsIn(body);
    if (type === 'P') prepared.set(first, second);
    // Each statement is bound once and executed once.
    else if (type === 'B') tell(prepared.get(second) ?? '');
    else if (type === 'Q') tell(first);
  };

  return (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      // The first message of a connection has no type.
      const head = isStarted ? 1 : 0;
      if (bytes.length < head + 4) return;
      const length = head + bytes.readUInt32BE(head);
      if (bytes.length < length) return;
      if (isStarted) read(String.fromCharCode(bytes[0] ?? 0), bytes.subarray(5, length));
      isStarted = true;
      bytes = bytes.subarray(length);
    }
  };
};

/** Starts the proxy in front of a port of this host; it ends with the test. Connections must not ask for TLS. */
export const startWireLog = async (target: number): Promise<WireLog> => {
  const executed: string[] = [];
  const listener = createServer((client) => {
    const server = connect(target, '127.0.0.1');
    const read = createReader((statement) => executed.push(statement));
    client.on('data', read);
    client.pipe(server).pipe(client);
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const side of [client, server]) side.on('error', end).on('close', end);
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  atEnd(async () => {
    listener.close();
    await once(listener, 'close');
  });
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, executed };
};
