/** Finds the route of a request: by the literal parts of its path, with `:` for an id. */

import { ApiError } from './api-error.ts';
import type { Route } from './http.ts';

export interface Match {
  readonly route: Route;
  /** The ids in the path, in order. */
  readonly ids: readonly string[];
}

/** Gives a route for any request; what is not served gets one that refuses. */
export type Router = (method: string, path: string) => Match;

const ROOT = '/v1/';

const decode = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

const refusal = (failure: ApiError): Match => ({
  route: {
    method: 'GET',
    path: '/',
    endpoint: 'unknown',
    handle: () => {
      throw failure;
    },
  },
  ids: [],
});

export const createRouter = (routes: readonly Route[]): Router => {
  const known = routes.map((route) => ({ route, parts: route.path.slice(1).split('/') }));

  return (method, path) => {
    const parts = path.startsWith(ROOT) ? path.slice(ROOT.length).split('/') : [];
    let other = false;
    for (const { route, parts: wanted } of known) {
      if (wanted.length !== parts.length) continue;
      if (!wanted.every((part, index) => part === parts[index] || part === ':')) continue;
      if (route.method === method) {
        return { route, ids: parts.filter((_, index) => wanted[index] === ':').map(decode) };
      }
      other = true;
    }
    return refusal(
      other
        ? new ApiError(405, `Not allowed to ${method} on ${path}.`, 'method_not_supported')
        : new ApiError(404, `Invalid URL (${method} ${path})`),
    );
  };
};
