import type { Backend, RunEvent } from '../chat/backend-port.ts';

/**
 * A backend whose runs begin by telling who answers, and with which model. It hands the rest through as it is: another
 * generator between would cost each word of an answer something.
 */
export const signed = (backend: Backend, model: () => string | undefined): Backend => ({
  ...backend,
  run: (request) => ({
    [Symbol.asyncIterator]: () => {
      const rest = backend.run(request)[Symbol.asyncIterator]();
      const name = model();
      let first: RunEvent | undefined = { type: 'by', backend: backend.name, ...(name && { model: name }) };
      return {
        next: () => {
          if (!first) return rest.next();
          const value = first;
          first = undefined;
          return Promise.resolve({ done: false as const, value });
        },
        return: async () => {
          await rest.return?.();
          return { done: true as const, value: undefined };
        },
      };
    },
  }),
});
