/**
 * The target of a request without slashes too many: `//api/chat` and `/api/chat/` are `/api/chat`, as site builders
 * and proxies write them. The query stays as it is.
 */
export const cleanPath = (target: string): string => {
  if (!target.startsWith('/')) return target;
  const end = target.indexOf('?');
  const path = end === -1 ? target : target.slice(0, end);
  if (!path.includes('//') && !path.endsWith('/')) return target;
  const clean = path.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  return end === -1 ? clean : clean + target.slice(end);
};
