import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { Target } from './connection-settings.ts';
import { ConnectError, reasonOf } from './failures.ts';

/** Milliseconds for a goodbye. */
const GOODBYE_MS = 200;

/** Asks whether the server speaks TLS: length, and the number that stands for the question. */
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

/** Hears a failure that comes when nobody waits for one any more, as when a socket fails twice. */
const unheard = (): void => undefined;

const withTls = async (plain: Socket, target: Target, ms: number): Promise<Socket> => {
  const answer = first<Buffer>(plain, 'data', ms);
  plain.write(SSL_REQUEST);
  const said = await answer;
  // More than the one letter was put there by someone between us and the server, before anything was encrypted.
  if (said.length !== 1) throw new ConnectError('it answered the question for TLS oddly', { mayPass: false });
  if (said[0] !== YES) {
    if (target.ssl === 'prefer') return plain;
    throw new ConnectError(`it does not speak TLS, which sslmode=${target.ssl} asks for`, { mayPass: false });
  }
  const isVerified = target.ssl === 'verify-ca' || target.ssl === 'verify-full';
  const socket = connectTls({
    socket: plain,
    rejectUnauthorized: isVerified,
    ...(isIP(target.host) === 0 && { servername: target.host }),
    ...(isIP(target.host) !== 0 && { host: target.host }),
    ...(target.ca !== undefined && { ca: target.ca }),
    ...(target.ssl !== 'verify-full' && { checkServerIdentity: () => undefined }),
  });
  socket.on('error', unheard);
  await first(socket, 'secureConnect', ms).catch((cause: unknown) => {
    // Certificates are named in codes of their own; all others are failures of the network.
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

const open = async (target: Target, ms: number): Promise<Socket> => {
  const { host, port } = target;
  const isLocal = host.startsWith('/');
  const plain = isLocal ? connect(`${host}/.s.PGSQL.${port}`) : connect({ host, port, noDelay: true });
  plain.on('error', unheard);
  try {
    await first(plain, 'connect', ms);
    return target.ssl === 'disable' || isLocal ? plain : await withTls(plain, target, ms);
  } catch (thrown) {
    plain.destroy();
    if (thrown instanceof ConnectError) throw thrown;
    throw new ConnectError(reasonOf(thrown), { cause: thrown });
  }
};

/** The connections under the driver. */
export interface Sockets {
  /** A connection to the database. Never rejects: the driver would lose its place for good. */
  open(): Promise<Duplex>;
  /** Ends them all; those that say goodbye get a moment for it. */
  destroy(): Promise<void>;
}

/**
 * Makes connections and watches them, because the driver does not: it waits for ever for an answer, knows half of
 * libpq's sslmodes, and, where a connection closes before its first answer, it connects again without a pause.
 * @param deps.onLost Called when a connection is lost that nobody meant to close.
 */
export const createSockets = (deps: {
  target: Target;
  connectMs: number;
  silenceMs: number;
  onLost: () => void;
}): Sockets => {
  const { target, connectMs, silenceMs } = deps;
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
      // A connection that rests is silent, too.
      if (socket.bytesWritten > answered)
        socket.destroy(new Error(`the database was silent for ${silenceMs} ms`));
    });
    // Before its first answer the driver takes a close without an error for a reason to connect again, at once.
    socket.on('end', () => socket.destroy(new Error('the database closed the connection')));
    socket.on('close', () => {
      if (all.delete(socket) && !isOver) deps.onLost();
    });
    // After an error it gives up nothing more when the connection closes, though it takes statements in between, which
    // would then wait for ever. So it is told of each close as of one without.
    const emit = socket.emit.bind(socket);
    const tell = (event: string, ...what: unknown[]): boolean =>
      emit(event, ...(event === 'close' ? [false] : what));
    return Object.assign(socket, { emit: tell });
  };

  return {
    open: async () => {
      try {
        const socket = await open(target, connectMs);
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
