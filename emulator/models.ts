/** `/v1/models`. */

import type { OpenAI } from 'openai';
import { modelNotFound } from './api-error.ts';
import { type Handler, type Route, sendJson } from './http.ts';
import type { World } from './world.ts';

export const modelRoutes = (world: World): Route[] => {
  const models = world.models.map(
    (info): OpenAI.Models.Model => ({ object: 'model', created: 0, owned_by: 'emulator', ...info }),
  );

  const list: Handler = ({ outgoing }) => sendJson(outgoing, { object: 'list', data: models });

  const retrieve: Handler = ({ outgoing, ids: [id = ''] }) => {
    const model = models.find((candidate) => candidate.id === id);
    if (model === undefined) throw modelNotFound(id);
    sendJson(outgoing, model);
  };

  return [
    { method: 'GET', path: '/models', endpoint: 'models', handle: list },
    { method: 'GET', path: '/models/:', endpoint: 'models.retrieve', handle: retrieve },
  ];
};
