import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { isOwnId } from '../../chat/exchange-id.ts';
import { visitorKey } from '../../chat/model.ts';
import {
  type AppError,
  asAppError,
  notFound,
  sessionExpired,
  shuttingDown,
  threadBusy,
} from '../../errors.ts';
import type { Session } from '../../identity/session-tokens.ts';
import type { RouteDeps } from '../route-deps.ts';
import { visitorIn } from '../who-speaks.ts';
import { CLOSE, closeCodeOf } from './close-codes.ts';
import { createHeartbeat } from './heartbeat.ts';
import { createOutbox } from './outbox.ts';
import type { Asked, SocketProtocol } from './protocol.ts';

/** Frames of one socket that are being answered at the same time. */
const MAX_FRAMES = 32;
/** Heartbeats between two checks of the token: another process may have ended it. */
const TOKEN_EVERY_BEATS = 3;

export type ConnectionDeps = Pick<
  RouteDeps,
  'chat' | 'identity' | 'limits' | 'messages' | 'clock' | 'logger'
>;

/** Who is at the other end, and how it speaks. */
export interface Peer {
  readonly ws: WebSocket;
  /** The one below `ws`. */
  readonly socket: Socket;
  /** What the limits count it as. */
  readonly address: string;
  readonly requestId: string;
  /** Of its handshake. */
  readonly acceptLanguage: string | undefined;
  readonly protocol: SocketProtocol;
  readonly token: string;
  readonly session: Session;
}

export interface Connection {
  readonly tokenId: string;
  /** The token has ended. */
  endToken(): void;
  /** Takes no more frames, and closes when what is being answered is answered. */
  drain(): void;
}

/** Serves a socket whose client has proved who it is, until it closes. */
export const createConnection = (deps: ConnectionDeps, peer: Peer): Connection => {
  const { chat, identity, limits, logger } = deps;
  const { ws, protocol, session, requestId, acceptLanguage, address } = peer;
  const visitor = visitorIn(session);
  const outbox = createOutbox(ws, peer.socket);
  /** Frames that are being handled, each after the one before it: messages run in the order in which they came. */
  let handling = 0;
  let last = Promise.resolve();
  let isDraining = false;

  const isBusy = (): boolean => handling + outbox.following() > 0;
  const isOpen = (): boolean => ws.readyState === WebSocket.OPEN;
  const close = (code: number, reason: string): void => {
    outbox.close();
    ws.close(code, reason);
  };
  const settle = (): void => {
    if (isDraining && !isBusy() && isOpen()) close(CLOSE.goingAway, 'shutting_down');
  };

  const refuse = (error: AppError, frame: string | undefined): void => {
    if (!isOpen()) return;
    const fields = { request_id: requestId, code: error.code };
    if (error.code === 'internal_error')
      logger.error({ ...fields, err: error.cause ?? error }, 'frame failed');
    else logger.debug({ ...fields, err: error.cause }, 'frame refused');
    outbox.send(protocol.refusal(error, { frame, requestId, acceptLanguage }));
  };

  /** Closes the socket where its token is good no more. @throws AppError where that cannot be known */
  const checkToken = async (): Promise<void> => {
    try {
      await identity.tokens.verify(peer.token);
    } catch (thrown) {
      const error = asAppError(thrown);
      if (error.status !== 401) throw error;
      close(closeCodeOf(error), error.code);
    }
  };

  const ownTurn = async (id: string) => {
    if (isDraining) throw shuttingDown();
    const turn = isOwnId(id) ? await chat.turn(id) : undefined;
    if (!turn || visitorKey(turn.visitor) !== visitorKey(visitor)) throw notFound();
    return turn;
  };

  const turnFor = async (asked: Extract<Asked, { type: 'message' | 'resume' }>) => {
    if (asked.type === 'resume') return { turn: await ownTurn(asked.id), from: asked.from };
    await limits.visitor.count(visitor);
    return {
      turn: await chat.send({
        visitor,
        name: session.name,
        text: asked.text,
        key: asked.id,
        address,
        requestId,
      }),
      from: 0,
    };
  };

  /** @throws AppError that the client is told */
  const answer = async (asked: Exclude<Asked, { type: 'nothing' }>): Promise<void> => {
    if (!isOpen()) return;
    // First: a flood of frames must cost the store nothing, which knows whether the token is good.
    const isReading = asked.type === 'resume' || asked.type === 'stop';
    await (isReading ? limits.read : limits.post).count(address);
    await checkToken();
    if (!isOpen()) return;
    if (asked.type === 'refused') throw asked.error;
    if (asked.type === 'stop') {
      const { id } = await ownTurn(asked.id);
      logger.info({ request_id: requestId, frame: 'stop', exchange: id }, 'frame');
      // What comes of it is told by the turn's events.
      chat.stop(id).catch((thrown: unknown) => refuse(asAppError(thrown), asked.id));
      return;
    }
    const { turn, from } = await turnFor(asked);
    logger.info({ request_id: requestId, frame: asked.type, exchange: turn.id }, 'frame');
    if (!isOpen()) return;
    const telling = { frame: asked.id, requestId, acceptLanguage };
    outbox.follow(turn, from, (next) => protocol.event(turn, next, telling), settle);
  };

  const handle = async (asked: Exclude<Asked, { type: 'nothing' }>): Promise<void> => {
    try {
      await answer(asked);
    } catch (thrown) {
      refuse(asAppError(thrown), asked.id);
    }
    handling -= 1;
    settle();
  };

  const heartbeat = createHeartbeat(ws, peer.socket, deps.messages.heartbeatMs, {
    isBusy,
    dead: () => ws.terminate(),
    idle: () => close(CLOSE.normal, 'idle'),
    beat: (n) => {
      if (outbox.isStuck()) return ws.terminate();
      if (!isOpen()) return;
      if (session.expiresAt * 1000 <= deps.clock.now()) return endToken();
      // Where the store cannot be asked now, the next heartbeats ask.
      if (n % TOKEN_EVERY_BEATS === 0) checkToken().catch(() => undefined);
      ws.ping();
      if (protocol.ping !== undefined) outbox.sendIfRoom(protocol.ping);
    },
  });

  const endToken = (): void => {
    const error = sessionExpired();
    close(closeCodeOf(error), error.code);
  };

  ws.on('message', (data, isBinary) => {
    if (!isOpen()) return;
    if (isBinary) return close(CLOSE.unsupported, 'unsupported_media_type');
    const asked = protocol.read(String(data));
    if (asked.type === 'nothing') return;
    heartbeat.asked();
    if (handling + outbox.following() >= MAX_FRAMES) return refuse(threadBusy(), asked.id);
    handling += 1;
    last = last.then(() => handle(asked));
  });
  ws.on('close', () => {
    heartbeat.stop();
    outbox.close();
  });

  return {
    tokenId: session.tokenId,
    endToken,
    drain: () => {
      isDraining = true;
      settle();
    },
  };
};
