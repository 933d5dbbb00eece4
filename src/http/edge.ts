/** Exact origins, or any. */
export type AllowedOrigins = 'any' | readonly string[];

/** Whom the service lets in, and where it takes a caller's address from. */
export interface Edge {
  readonly allowedOrigins: AllowedOrigins;
  /** How many proxies stand in front. */
  readonly trustProxy: number;
}

/** @param host The `Host` header: our own pages pass. */
export const isOriginAllowed = (
  { allowedOrigins: allowed }: Pick<Edge, 'allowedOrigins'>,
  origin: string | undefined,
  host: string | undefined,
): boolean =>
  origin === undefined || allowed === 'any' || allowed.includes(origin) || hostOf(origin) === host;

const hostOf = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host : undefined;
