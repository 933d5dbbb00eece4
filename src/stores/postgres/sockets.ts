import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { ConnectionSettings } from './connection-settings.ts';
import { ConnectError, reasonOf } from './failures.ts';

/** Milliseconds that a connection gets to close in order. */
const GOODBYE_MS = 200;

/** Postgres's SSLRequest message: length, and the request code. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const YES = 0x53;

/** A connection that fails as soon as the driver writes to it, with this error. */
const failing = (error: Error): Duplex =>
  new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done(error) });

/** The next event of those that end a wait. @throws Error where the socket fails, ends, or takes too long. */
const first = <T>(socket: Socket, event: string, ms: number): Promise<T> =>
  new Promise((resolve, reject) => {
    const settle = (settled: () => void): void => {
      clearTimeout(timer);
      socket.off('error', onError).off('end', onEnd).off(event, onEvent);
      settled();
    };
    const onError = (error: Error): void => settle(() => reject(error));
    const onEnd = (): void => settle(() => reject(new Error('it closed the connection')));
    const onEvent = (value: T): void => settle(() => resolve(value));
    const timer = setTimeout(() => settle(() => reject(new Error(`no answer within ${ms} ms`))), ms);
    socket.once('error', onError).once('end', onEnd).once(event, onEvent);
  });

/** For errors after the last waiter is gone, as when a socket fails twice. */
const ignore = (): void => undefined;

const withTls = async (plain: Socket, settings: ConnectionSettings, ms: number): Promise<Socket> => {
  const answer = first<Buffer>(plain, 'data', ms);
  plain.write(SSL_REQUEST);
  const said = await answer;
  // More than one byte: someone between us and the server has added plain text before the encryption begins.
  if (said.length !== 1)
    throw new ConnectError('its answer to the request for TLS is not valid', { mayPass: false });
  if (said[0] !== YES) {
    if (settings.ssl === 'prefer') return plain;
    throw new ConnectError(`it does not speak TLS, which sslmode=${settings.ssl} asks for`, {
      mayPass: false,
    });
  }
  const isVerified = settings.ssl === 'verify-ca' || settings.ssl === 'verify-full';
  const socket = connectTls({
    socket: plain,
    rejectUnauthorized: isVerified,
    ...(isIP(settings.host) === 0 && { servername: settings.host }),
    ...(isIP(settings.host) !== 0 && { host: settings.host }),
    ...(settings.ca !== undefined && { ca: settings.ca }),
    ...(settings.ssl !== 'verify-full' && { checkServerIdentity: () => undefined }),
  });
  socket.on('error', ignore);
  await first(socket, 'secureConnect', ms).catch((cause: unknown) => {
    // Only these codes are about certificates; all others are network failures.
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    socket.destroy();
    const isTrust = isVerified && /CERT|SIGNATURE|ISSUER|ALTNAME/.test(code);
    throw new ConnectError(`its certificate is not trusted: ${reasonOf(cause)}`, {
      cause,
      mayPass: !isTrust,
    });
  });
  return socket;
};

const open = async (settings: ConnectionSettings, ms: number): Promise<Socket> => {
  const { host, port } = settings;
  const isLocal = host.startsWith('/');
  const plain = isLocal ? connect(`${host}/.s.PGSQL.${port}`) : connect({ host, port, noDelay: true });
  plain.on('error', ignore);
  try {
    await first(plain, 'connect', ms);
    return settings.ssl === 'disable' || isLocal ? plain : await withTls(plain, settings, ms);
  } catch (thrown) {
    plain.destroy();
    if (thrown instanceof ConnectError) throw thrown;
    throw new ConnectError(reasonOf(thrown), { cause: thrown });
  }
};

/** The connections under the driver. */
export interface Sockets {
  /** A connection to the database. Never rejects: the driver would never use that slot again. */
  open(): Promise<Duplex>;
  /** Closes them all; they get a moment to close in order. */
  destroy(): Promise<void>;
}

/**
 * Makes connections and watches them, because the driver does not: it waits for ever for an answer, knows half of
 * libpq's sslmodes, and, where a connection closes before its first answer, it connects again without a pause.
 * @param deps.onLost Called when a connection is lost that nobody meant to close.
 */
export const createSockets = (deps: {
  settings: ConnectionSettings;
  connectMs: number;
  silenceMs: number;
  onLost: () => void;
}): Sockets => {
  const { settings, connectMs, silenceMs } = deps;
  const all = new Set<Socket>();
  let isOver = false;

  const watch = (socket: Socket): Socket => {
    /** How much had been sent when the server last answered. */
    let answered = socket.bytesWritten;
    all.add(socket);
    socket.on('data', () => {
      answered = socket.bytesWritten;
    });
    socket.setTimeout(silenceMs, () => {
      // An idle connection is silent, too.
      if (socket.bytesWritten > answered)
        socket.destroy(new Error(`the database was silent for ${silenceMs} ms`));
    });
    // Without an error the driver reconnects at once when a connection closes before its first answer.
    socket.on('end', () => socket.destroy(new Error('the database closed the connection')));
    socket.on('close', () => {
      if (all.delete(socket) && !isOver) deps.onLost();
    });
    // After an error it gives up nothing more when the connection closes, though it takes statements in between, which
    // would then wait for ever. So each close is reported to it as one without an error.
    const emit = socket.emit.bind(socket);
    const tell = (event: string, ...what: unknown[]): boolean =>
      emit(event, ...(event === 'close' ? [false] : what));
    return Object.assign(socket, { emit: tell });
  };

  return {
    open: async () => {
      try {
        const socket = await open(settings, connectMs);
        if (!isOver) return watch(socket);
        socket.destroy();
        return failing(new ConnectError('the store is closed'));
      } catch (thrown) {
        return failing(thrown instanceof Error ? thrown : new ConnectError(reasonOf(thrown)));
      }
    },
    destroy: async () => {
      isOver = true;
      const closed = [...all].map((socket) => once(socket, 'close').catch(() => undefined));
      await Promise.race([Promise.all(closed), sleep(GOODBYE_MS)]);
      for (const socket of all) socket.destroy(new Error('the store is closed'));
    },
  };
};
