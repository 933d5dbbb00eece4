/** `/v1/conversations` and their items. */

import type { OpenAI } from 'openai';
import { z } from 'zod';
import { ApiError, conversationLocked, conversationNotFound } from './api-error.ts';
import { type Handler, listOf, pageOf, parse, type Route, sendJson } from './http.ts';
import { entryOf, type ItemObject, itemObject } from './items.ts';
import { Thread } from './memory.ts';
import { Item, type ItemInput, Metadata } from './shapes.ts';
import type { Entry } from './transcript.ts';
import type { World } from './world.ts';

type Conversation = OpenAI.Conversations.Conversation;

/** OpenAI takes at most so many items a call. */
const MAX_ITEMS = 20;

const CreateBody = z.object({ items: z.array(Item).max(MAX_ITEMS).nullish(), metadata: Metadata.nullish() });
const UpdateBody = z.object({ metadata: Metadata.nullable() });
const ItemsBody = z.object({ items: z.array(Item).max(MAX_ITEMS) });

const conversationObject = (thread: Thread): Conversation => ({
  id: thread.id,
  object: 'conversation',
  created_at: thread.createdAt,
  metadata: thread.metadata,
});

/** @throws ApiError 404. */
export const requireConversation = (world: World, id: string): Thread => {
  const thread = world.memory.thread('conversation', id);
  if (thread === undefined) throw conversationNotFound(id);
  return thread;
};

export const conversationRoutes = (world: World): Route[] => {
  const { threads } = world.memory;
  const find = (id: string | undefined): Thread => requireConversation(world, id ?? '');

  const findItem = (thread: Thread, id: string | undefined): Entry => {
    const entry = thread.transcript.entries.find((candidate) => candidate.id === id);
    if (entry === undefined) {
      throw new ApiError(404, `Item with id '${id}' not found in conversation with id '${thread.id}'.`);
    }
    return entry;
  };

  const addItems = (thread: Thread, items: readonly ItemInput[]): ItemObject[] => {
    const entries = items.map((item) => entryOf(world, item));
    for (const entry of entries) thread.transcript.add(entry);
    threads.reweigh(thread.id);
    return entries.map(itemObject);
  };

  const create: Handler = ({ outgoing, body }) => {
    const { items, metadata } = parse(CreateBody, body ?? {});
    const thread = new Thread('conversation', world.id('conv'), world.now(), metadata ?? {});
    threads.put(thread.id, thread);
    addItems(thread, items ?? []);
    sendJson(outgoing, conversationObject(thread));
  };

  const retrieve: Handler = ({ outgoing, ids: [id] }) => sendJson(outgoing, conversationObject(find(id)));

  const update: Handler = ({ outgoing, ids: [id], body }) => {
    const thread = find(id);
    thread.metadata = parse(UpdateBody, body).metadata ?? {};
    sendJson(outgoing, conversationObject(thread));
  };

  const remove: Handler = ({ outgoing, ids: [id] }) => {
    const thread = find(id);
    threads.delete(thread.id);
    const gone: OpenAI.Conversations.ConversationDeletedResource = {
      id: thread.id,
      object: 'conversation.deleted',
      deleted: true,
    };
    sendJson(outgoing, gone);
  };

  const createItems: Handler = ({ outgoing, ids: [id], body, strike }) => {
    const thread = find(id);
    const { items } = parse(ItemsBody, body);
    if (thread.active !== undefined || strike?.fault.kind === 'locked') throw conversationLocked();
    sendJson(outgoing, listOf(addItems(thread, items)));
  };

  const listItems: Handler = ({ outgoing, ids: [id], query }) => {
    const { page, hasMore } = pageOf(find(id).transcript.entries, query);
    sendJson(outgoing, listOf(page.map(itemObject), hasMore));
  };

  const retrieveItem: Handler = ({ outgoing, ids: [id, item] }) =>
    sendJson(outgoing, itemObject(findItem(find(id), item)));

  const deleteItem: Handler = ({ outgoing, ids: [id, item] }) => {
    const thread = find(id);
    thread.transcript.delete(findItem(thread, item).id);
    threads.reweigh(thread.id);
    sendJson(outgoing, conversationObject(thread));
  };

  return [
    { method: 'POST', path: '/conversations', endpoint: 'conversations', handle: create },
    { method: 'GET', path: '/conversations/:', endpoint: 'conversations.retrieve', handle: retrieve },
    { method: 'POST', path: '/conversations/:', endpoint: 'conversations.update', handle: update },
    { method: 'DELETE', path: '/conversations/:', endpoint: 'conversations.delete', handle: remove },
    { method: 'POST', path: '/conversations/:/items', endpoint: 'items', handle: createItems },
    { method: 'GET', path: '/conversations/:/items', endpoint: 'items.list', handle: listItems },
    { method: 'GET', path: '/conversations/:/items/:', endpoint: 'items.retrieve', handle: retrieveItem },
    { method: 'DELETE', path: '/conversations/:/items/:', endpoint: 'items.delete', handle: deleteItem },
  ];
};
