/** `/v1/threads` and their messages. */

import type { OpenAI } from 'openai';
import { z } from 'zod';
import { ApiError, messagesWhileRunActive, threadNotFound } from './api-error.ts';
import { type Handler, listOf, pageOf, parse, type Route, sendJson } from './http.ts';
import { Thread } from './memory.ts';
import { Metadata, ThreadMessage, type ThreadMessageInput, textOf } from './shapes.ts';
import { messageObject, threadObject } from './thread-objects.ts';
import type { Message } from './transcript.ts';
import type { World } from './world.ts';

/** OpenAI takes at most so many messages with a new thread. */
const MAX_MESSAGES = 32;

export const ThreadBody = z.object({
  messages: z.array(ThreadMessage).max(MAX_MESSAGES).nullish(),
  metadata: Metadata.nullish(),
});

/** @throws ApiError 404. */
export const requireThread = (world: World, id: string | undefined): Thread => {
  const thread = world.memory.thread('thread', id ?? '');
  if (thread === undefined) throw threadNotFound(id ?? '');
  return thread;
};

export const addMessages = (
  world: World,
  thread: Thread,
  given: readonly ThreadMessageInput[],
): Message[] => {
  const messages = given.map(
    ({ role, content, metadata }): Message => ({
      id: world.id('msg'),
      role,
      text: textOf(content),
      createdAt: world.now(),
      ...(metadata && { metadata }),
    }),
  );
  for (const message of messages) thread.transcript.add(message);
  world.memory.threads.reweigh(thread.id);
  return messages;
};

export const makeThread = (world: World, { messages, metadata }: z.infer<typeof ThreadBody>): Thread => {
  const thread = new Thread('thread', world.id('thread'), world.now(), metadata ?? {});
  world.memory.threads.put(thread.id, thread);
  addMessages(world, thread, messages ?? []);
  return thread;
};

export const threadRoutes = (world: World): Route[] => {
  const create: Handler = ({ outgoing, body }) =>
    sendJson(outgoing, threadObject(makeThread(world, parse(ThreadBody, body ?? {}))));

  const retrieve: Handler = ({ outgoing, ids: [id] }) =>
    sendJson(outgoing, threadObject(requireThread(world, id)));

  const remove: Handler = ({ outgoing, ids: [id] }) => {
    const thread = requireThread(world, id);
    world.memory.threads.delete(thread.id);
    const gone: OpenAI.Beta.ThreadDeleted = { id: thread.id, object: 'thread.deleted', deleted: true };
    sendJson(outgoing, gone);
  };

  const createMessage: Handler = ({ outgoing, ids: [id], body, strike }) => {
    const thread = requireThread(world, id);
    const given = parse(ThreadMessage, body);
    const active = strike?.fault.kind === 'locked' ? world.id('run') : thread.active?.id;
    if (active !== undefined) throw messagesWhileRunActive(thread.id, active);
    for (const message of addMessages(world, thread, [given])) {
      sendJson(outgoing, messageObject(thread.id, message));
    }
  };

  const listMessages: Handler = ({ outgoing, ids: [id = ''], query }) => {
    const { messages } = requireThread(world, id).transcript;
    const wanted = query.get('run_id');
    const { page, hasMore } = pageOf(
      wanted === null ? messages : messages.filter(({ run }) => run?.id === wanted),
      query,
    );
    sendJson(
      outgoing,
      listOf(
        page.map((message) => messageObject(id, message)),
        hasMore,
      ),
    );
  };

  const retrieveMessage: Handler = ({ outgoing, ids: [id = '', wanted] }) => {
    const message = requireThread(world, id).transcript.messages.find((candidate) => candidate.id === wanted);
    if (message === undefined) throw new ApiError(404, `No message found with id '${wanted}'.`);
    sendJson(outgoing, messageObject(id, message));
  };

  return [
    { method: 'POST', path: '/threads', endpoint: 'threads', handle: create },
    { method: 'GET', path: '/threads/:', endpoint: 'threads.retrieve', handle: retrieve },
    { method: 'DELETE', path: '/threads/:', endpoint: 'threads.delete', handle: remove },
    { method: 'POST', path: '/threads/:/messages', endpoint: 'messages', handle: createMessage },
    { method: 'GET', path: '/threads/:/messages', endpoint: 'messages.list', handle: listMessages },
    { method: 'GET', path: '/threads/:/messages/:', endpoint: 'messages.retrieve', handle: retrieveMessage },
  ];
};
