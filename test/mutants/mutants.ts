/** Plausible bugs, one each: a text of a source file, what it becomes, and the tests that are to notice. */
export interface Mutant {
  readonly file: string;
  /** Stands once in the file. */
  readonly from: string;
  readonly to: string;
  readonly tests: readonly string[];
}

const of =
  (file: string, ...tests: string[]) =>
  (from: string, to: string): Mutant => ({ file, from, to, tests });

const chat = of('src/chat/chat.ts', 'test/chat', 'test/http/stop-turn.test.ts', 'test/http/history.test.ts');
const accept = of('src/chat/accept.ts', 'test/chat/accept.test.ts', 'test/limits', 'test/chat/queue.test.ts');
const queue = of('src/chat/thread-queue.ts', 'test/chat/queue.test.ts');
const waiting = of('src/chat/waiting.ts', 'test/chat/waiting.test.ts');
const find = of(
  'src/chat/find-turn.ts',
  'test/chat/find-turn.test.ts',
  'test/http/resume.test.ts',
  'test/http/idempotency.test.ts',
);
const remote = of(
  'src/chat/remote-turns.ts',
  'test/chat/find-turn.test.ts',
  'test/chat/remote-turns.test.ts',
);
const recent = of('src/chat/recent-turns.ts', 'test/chat/recent-turns.test.ts');
const idempotency = of('src/chat/idempotency.ts', 'test/http/idempotency.test.ts');
const text = of('src/chat/answer-text.ts', 'test/chat/stopping.test.ts', 'test/chat/answer-markers.test.ts');
const budget = of('src/limits/daily-budget.ts', 'test/limits');
const counts = of('src/limits/bounded-counts.ts', 'test/limits');
const address = of('src/limits/client-address.ts', 'test/limits/client-address.test.ts');
const proxies = of('src/limits/trusted-proxies.ts', 'test/limits', 'test/http/origins.test.ts');
const tokens = of(
  'src/identity/session-tokens.ts',
  'test/http/dialects/doors.test.ts',
  'test/http/socket-life.test.ts',
  'test/identity',
  'test/http/session.test.ts',
);
const match = of('src/identity/secret-match.ts', 'test/identity', 'test/http/site-keys.test.ts');
const keys = of('src/identity/temporary-keys.ts', 'test/http/dialects/token-chat.test.ts');
const limits = of('src/http/call-limits.ts', 'test/http/session.test.ts', 'test/limits/limits.test.ts');
const edge = of('src/http/edge.ts', 'test/limits/limits.test.ts', 'test/http/origins.test.ts');
const guards = of(
  'src/http/request-guards.ts',
  'test/http/origins.test.ts',
  'test/http/requests.test.ts',
  'test/http/dialects/sse-chat.test.ts',
);
const connections = of('src/http/connections.ts', 'test/http/connections.test.ts');
const refusals = of('src/http/refusals.ts', 'test/http/connections.test.ts');
const path = of('src/http/clean-path.ts', 'test/http/connections.test.ts');
const page = of('src/http/transcript-page.ts', 'test/http/history.test.ts');
const speaks = of(
  'src/http/who-speaks.ts',
  'test/http/who-speaks.test.ts',
  'test/http/who-speaks-port.test.ts',
  'test/http/site-keys.test.ts',
);
const access = of(
  'src/http/turn-access.ts',
  'test/http/resume.test.ts',
  'test/http/resume-access.test.ts',
  'test/http/feedback.test.ts',
  'test/http/stop-turn.test.ts',
);
const feedback = of('src/http/feedback.ts', 'test/http/feedback.test.ts');
const sse = of(
  'src/http/stream-answer.ts',
  'test/http/readers-that-leave.test.ts',
  'test/chat/leaving.test.ts',
);
const languages = of('src/http/messages/languages.ts', 'test/http/messages.test.ts');
const connection = of(
  'src/http/socket/connection.ts',
  'test/http/socket.test.ts',
  'test/http/socket-life.test.ts',
  'test/http/socket-resume.test.ts',
);
const sockets = of(
  'src/http/socket/sockets.ts',
  'test/http/socket-opening.test.ts',
  'test/http/socket-life.test.ts',
  'test/http/socket-draining.test.ts',
);
const outbox = of('src/http/socket/outbox.ts', 'test/http/socket-life.test.ts');
const csv = of(
  'src/ops/csv.ts',
  'test/commands/export.test.ts',
  'test/ops/api.test.ts',
  'test/ops/pages.test.ts',
  'test/ops/csv-and-prices.test.ts',
);
const prices = of(
  'src/ops/prices.ts',
  'test/ops/api.test.ts',
  'test/ops/sqlite-ops.test.ts',
  'test/ops/csv-and-prices.test.ts',
);
const cards = of('src/ops/redact/checks.ts', 'test/ops/redact.test.ts');
const spending = of('src/ops/budget.ts', 'test/ops/budgets.test.ts');
const moderation = of('src/ops/moderation.ts', 'test/ops/moderation.test.ts');
const refused = of('src/ops/refusals.ts', 'test/ops/api.test.ts', 'test/ops/pages.test.ts');
const told = of(
  'src/documents/told-passages.ts',
  'test/documents/injections.test.ts',
  'test/documents/answers.test.ts',
);
const crawled = of('src/documents/crawl/addresses.ts', 'test/documents/crawl-bounds.test.ts');
const crawler = of('src/documents/crawl/crawl.ts', 'test/documents/crawl.test.ts');
const client = of(
  'src/http/dialects/client-form.ts',
  'test/http/dialects/n8n-chat.test.ts',
  'test/http/dialects/published-doors.test.ts',
  'test/http/dialects/ai-sdk.test.ts',
);
const n8n = of(
  'src/http/dialects/n8n-chat.ts',
  'test/http/dialects/n8n-chat.test.ts',
  'test/http/dialects/published-doors.test.ts',
);
const sseChat = of(
  'src/http/dialects/sse-chat.ts',
  'test/http/dialects/sse-chat.test.ts',
  'test/http/dialects/doors.test.ts',
  'test/http/who-gets-in.test.ts',
);
const tokenChat = of(
  'src/http/dialects/token-chat.ts',
  'test/http/dialects/token-chat.test.ts',
  'test/http/dialects/doors.test.ts',
);
const sqliteWrites = of(
  'src/stores/sqlite/core-writes.ts',
  'test/stores/sqlite/contract.test.ts',
  'test/stores/sqlite/faults.test.ts',
  'test/limits/shares.test.ts',
);
const sqliteReads = of('src/stores/sqlite/core-reads.ts', 'test/stores/sqlite/contract.test.ts');
const messageLog = of(
  'src/stores/sqlite/message-log.ts',
  'test/stores/sqlite/contract.test.ts',
  'test/stores/sqlite/faults.test.ts',
);
const facts = of(
  'src/stores/sqlite/visitor-facts.ts',
  'test/stores/sqlite/archive.test.ts',
  'test/stores/sqlite/contract.test.ts',
  'test/stores/sqlite/faults.test.ts',
);
const shares = of('src/stores/sqlite/shares.ts', 'test/limits/shares.test.ts');
const privateFile = of('src/private-file.ts', 'test/main/file-modes.test.ts');
const markers = of(
  'src/chat/answer-markers.ts',
  'test/chat/answer-markers.test.ts',
  'test/backends/quirks/visitors-text.test.ts',
);
const tokensOf = of('src/chat/template-tokens.ts', 'test/chat/answer-markers.test.ts');
const code = of('src/chat/code-spans.ts', 'test/chat/answer-markers.test.ts', 'test/chat/citations.test.ts');
const killedImport = of('src/commands/import-log.ts', 'test/commands/import-killed.test.ts');
const guesses = of('src/http/ops-guesses.ts', 'test/ops/guesses.test.ts');
const opsDoor = of('src/http/ops.ts', 'test/ops/guesses.test.ts');
const called = of('src/backends/called-functions.ts', 'test/backends/quirks/calls.test.ts');
const overflow = of('src/backends/overflow.ts', 'test/backends/quirks/overflow.test.ts');
const wordIndex = of('src/stores/postgres/ops/word-index.ts', 'test/stores/postgres/word-index.test.ts');
const pgFilter = of(
  'src/stores/postgres/ops/filter.ts',
  'test/stores/postgres/word-index.test.ts',
  'test/stores/postgres/ops.test.ts',
);
const words = of('src/ops/sqlite/words.ts', 'test/ops/sqlite-ops.test.ts');

export const MUTANTS: readonly Mutant[] = [
  chat('    if (draining) throw shuttingDown();\n    if (live', '    if (live'),
  chat('>= limits.maxLiveTurns) throw overloaded()', '> 1e9) throw overloaded()'),
  chat('if (outOfTime) abort(shuttingDown());', ''),
  chat('await store.clear(visitor, limits.clearKeepsLog);', 'await store.clear(visitor, true);'),
  chat('for (const { abort } of live.values()) abort(shuttingDown());', ''),
  accept('if (!health.ok) throw', 'if (false) throw'),
  accept("if (['thread_busy', 'budget_spent'].includes(asAppError(thrown).code)) await part.giveBack();", ''),
  accept("visitor.kind === 'verified' ? visitorKey(visitor) : address", 'address'),
  queue('ahead.length < limits.maxWaiting', 'ahead.length <= limits.maxWaiting'),
  queue('if (index >= 0) waiting.splice(index, 1);\n', 'if (index >= 0) waiting.splice(index, 0);\n'),
  waiting('if (signal.aborted) onAbort();', ''),
  waiting("signal.removeEventListener('abort', onAbort);", ''),
  find('if (unfinished) return remoteTurns.follow(unfinished);', ''),
  find('!exchange || exchange.bot === null', '!exchange'),
  remote("if (error.code === 'log_unavailable') return 'running';", ''),
  remote('if (stopping.signal.aborted) throw shuttingDown();', ''),
  remote('if (known) return known;', ''),
  recent('total <= MAX_UNITS && until > clock.now()', 'total <= MAX_UNITS'),
  recent('if (units > MAX_UNITS) return;', ''),
  idempotency('throw idempotencyMismatch()', 'void 0'),
  text(".replace(/[\\uD800-\\uDBFF]$/, '')", ''),
  budget('if (totalHits > shareLimit) throw refusal();', ''),
  budget('return async () => shares.decrement(key);', 'return nothing;'),
  budget('count === Math.ceil(limit * WARN_AT)', 'count === limit + 1'),
  budget('await giveShareBack();\n        throw', 'throw'),
  budget('if (warnedOf !== day)', 'if (true)'),
  counts('if (windows.size < maxKeys && window.resetTime.getTime() > now) break;', 'break;'),
  counts('left <= 0', 'left < -1e12'),
  address('entries.at(-trusted)', 'entries.at(0)'),
  address('?? normalised(origin.socketAddress)', ''),
  address('.slice(0, 4)', '.slice(0, 8)'),
  proxies("hostname === 'localhost' ||", "hostname.startsWith('localhost') ||"),
  tokens('if (!(await endOnce(session))) throw sessionExpired();', 'await endOnce(session);'),
  tokens('data.exp * 1000 + grace <= clock.now() ||', ''),
  tokens('for (const listener of listeners) listener(session.tokenId);', ''),
  match('matches = timingSafeEqual(one, other) || matches', 'matches = timingSafeEqual(one, other)'),
  keys('data.exp * 1000 > clock.now()', 'true'),
  limits('.toSorted((a, b) => a.windowMs - b.windowMs)', ''),
  limits('info.remaining < tightest.remaining', 'true'),
  limits('if (totalHits > limit) throw refusal(resetTime);', ''),
  limits('if (!isSite) await', 'await'),
  edge('edge.isTrustedProxy(peer) ? edge.trustProxy : 0', 'edge.trustProxy'),
  edge('if (origin === publicOrigin) return true;', ''),
  edge('url?.origin === origin && isLoopbackHost(url.hostname)', 'url !== null'),
  guards("c.header('Vary', 'Origin');", ''),
  guards("if (!isOriginAllowed(edge, c.req.header('origin'))) throw originNotAllowed();", ''),
  guards('maxAge: PREFLIGHT_S', 'maxAge: 600'),
  guards('if (Number(length) > MAX_BODY_BYTES) throw bodyTooLarge();', ''),
  guards("'utf-8', { fatal: true }", "'utf-8'"),
  guards("isForeign && c.req.header('sec-fetch-mode') !== 'cors'", 'false'),
  connections('if (connection.inHand === 1) serve();', 'if (true) serve();'),
  connections('connection.inHand >= MAX_IN_HAND', 'false'),
  connections('if (connection.inHand === MAX_IN_HAND) response.shouldKeepAlive = false;', ''),
  connections('if (count(peer, 1) > MAX_PER_PEER)', 'if (false)'),
  connections("socket.once('close', () => count(peer, -1));", ''),
  connections('if (connection.stalled >= STALLED_CHECKS) socket.destroy();', ''),
  connections('connection && connection.inHand > 0 && connection.last?.complete', 'false'),
  refusals("httpVersion === '1.0'", 'false'),
  refusals('HPE_HEADER_OVERFLOW: 431', 'HPE_HEADER_OVERFLOW: 400'),
  path(".replace(/\\/{2,}/g, '/')", ''),
  path(".replace(/(.)\\/$/, '$1')", ''),
  page('newestFirst.length > 0 && chars > MAX_CHARS', 'chars > MAX_CHARS'),
  page('chars > MAX_CHARS)', 'false)'),
  page('oldest && hasOlder', 'oldest'),
  page('withoutMarkers(cutTo(MAX_TEXT_CHARS, exchange.bot))', 'withoutMarkers(exchange.bot)'),
  speaks('await identity.verifiedUsers.markVerified(', 'void identity.verifiedUsers.markVerified('),
  speaks('claims.userId !== undefined && claims.userId !== session.userId', 'false'),
  speaks("identity.mode === 'signed' ||", ''),
  access("mode === 'open' &&", ''),
  access('&& !(await verifiedUsers.isVerified(visitor.id))', ''),
  access("return visitor.kind === 'verified';", 'return true;'),
  feedback('await mayReadTurn(exchange.visitor, given, identity)', 'true'),
  feedback('rating === null ? undefined :', 'rating === null ? { rating: "up" as const } :'),
  sse('if (!turn.at(from)) outgoing.flushHeaders();', ''),
  sse("outgoing.on('close', leave);", ''),
  languages('if (q === 0) continue;', ''),
  languages("language === 'en' || language === '*'", "language === '*'"),
  connection('handling + outbox.following() >= MAX_FRAMES', 'false'),
  connection('if (isDraining) throw shuttingDown();', ''),
  connection('visitorKey(turn.visitor) !== visitorKey(visitor)', 'false'),
  sockets('if (isDraining) connection.drain();', ''),
  sockets('if (isDraining) throw shuttingDown();', ''),
  sockets('if (!isOriginAllowed(edge, origin)) throw originNotAllowed();', ''),
  outbox('if (isFull()) ws.terminate();', 'if (false) ws.terminate();'),
  csv('FORMULA.test(value) && !NUMBER.test(value)', 'false'),
  csv(".replaceAll('\"', '\"\"')", ''),
  prices("?? prices.get('*')", ''),
  prices('other.length - one.length', 'one.length - other.length'),
  cards('ISSUER.test(digits) && isLuhn(digits)', 'ISSUER.test(digits)'),
  cards('return rest === 1;', 'return true;'),
  spending('used >= limit) ||', 'false) ||'),
  spending('(limits.visitorTokens !== null && use.visitor.tokens >= limits.visitorTokens)', 'false'),
  moderation("if (onFailure === 'open') return undefined;", 'return undefined;'),
  moderation('return flagged ? named(categories) : undefined;', 'return undefined;'),
  refused('counts[code] = (counts[code] ?? 0) + 1;', 'counts[code] = 1;'),
  told(".replaceAll(INVISIBLE, '')", ''),
  told('if (part.length + FRAME_CHARS > left) continue;', ''),
  told('.replaceAll(TEMPLATE, (character) => LOOKALIKE[character] ?? character)', ''),
  crawled("['169.254.0.0', 16, 'ipv4'],", ''),
  crawled('isLoopback(address) ? !isLoopbackNamed : isPrivate(address)', 'isPrivate(address)'),
  crawled('isLoopback(address) ? !isLoopbackNamed : isPrivate(address)', 'false'),
  crawler('if (!robots.allows(address)) {', 'if (false) {'),
  crawler("if (url.username !== '' || url.password !== '')", 'if (false)'),
  client('userId: isByToken ? undefined : claimed.id', 'userId: claimed.id'),
  client('if (turns.get(key) === turn) turns.delete(key);', 'turns.delete(key);'),
  client('z.uuidv4().safeParse(id).success', 'true'),
  n8n('routes.get(PATH, noSubresources());', ''),
  n8n('if (!isShown && !isProven) return c.json({ data: [] }, 200);', ''),
  sseChat("if (c.req.query('username') === undefined) throw notFound();", ''),
  sseChat("routes.get('/sessions', opsOnly(deps));", ''),
  tokenChat('if (!isSiteKey(keyOf(c))) throw forbidden();', ''),
  sqliteWrites("db.run('DELETE FROM accepted WHERE id = ?', exchange.id);", ''),
  sqliteWrites("db.run('DELETE FROM keys WHERE at < ?', timestamp - KEY_S);", ''),
  sqliteWrites("db.run('DELETE FROM ended WHERE until <= ?', now);", ''),
  sqliteWrites('if (!found) return false;', 'if (!found) return true;'),
  sqliteWrites("db.run('DELETE FROM shares WHERE key < ?', key.slice(0, 10));", ''),
  sqliteReads('AND (e.time, e.seq) < (?, ?)', 'AND (e.time, e.seq) <= (?, ?)'),
  sqliteReads('WHERE messages > 0 AND key > ?', 'WHERE key > ?'),
  messageLog('if (end < 0) return look(', 'if (end < -1) return look('),
  messageLog('.filter(({ id }) => interrupted.has(id))', ''),
  messageLog('stored.filter(({ id }) => !ids.has(id))', 'stored'),
  facts('await written.finally(() => verifying.delete(userId));', ''),
  facts('if (!keepLog) await erased({ visitor });', ''),
  shares('Math.max(0, (known ?? 0) + by)', '(known ?? 0) + Math.abs(by)'),
  shares('if (other < day) counts.delete(other)', ''),
  privateFile('chmodSync(file, PRIVATE_MODE);', ''),
  markers('isCode ? null : THOUGHT_END.exec(held)', 'THOUGHT_END.exec(held)'),
  markers('hidden = hides ? TEMPLATE_PART : hidden;', ''),
  markers("if (kind === 'final' && !inParts && !isFirst) sawLoneThoughtEnd = true;", ''),
  tokensOf('/^analysis\\b/.test(channel)', 'false'),
  tokensOf("const isOthers = role !== '' &&", 'const isOthers = false &&'),
  code('if (ticks >= 3) return !inFence;', 'if (ticks >= 3) return inFence;'),
  killedImport('batch.verified.push(row.visitor.slice(2))', 'void 0'),
  guesses('if (left > 0) throw', 'if (false) throw'),
  guesses('if (isRight) return;', ''),
  opsDoor('|| identity.isSiteKey(given)', ''),
  called('ids.has(call.id)', 'false'),
  overflow(".replaceAll(/(\\d),(?=\\d{3})/g, '$1')", ''),
  wordIndex('isKnown || look()', 'false'),
  wordIndex(' and indisvalid', ''),
  wordIndex('if (!(await look())) return;', 'return;'),
  pgFilter('(/[\\\\%_]/g', '(/[\\\\]/g'),
  words(' AND instr(', ' OR instr('),
  words('return word.slice(from);', 'return word.slice(from + 1) + word.charAt(from);'),
];
