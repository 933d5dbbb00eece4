/**
 * What the operators' pages do beyond plain HTML: times in the reader's zone, filters that apply themselves, keys,
 * values under the pointer, and what is new by itself. Without it the pages work as well, a click more at times.
 */

const root = document.documentElement;
root.classList.add('scripted');

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const shortDate = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

const ago = (ms) => {
  const passed = (Date.now() - ms) / 1000;
  if (passed < 45) return 'just now';
  if (passed < 3_600) return `${Math.max(1, Math.round(passed / 60))} min ago`;
  if (passed < 86_400) return `${Math.round(passed / 3_600)} h ago`;
  if (passed < 7 * 86_400) return `${Math.round(passed / 86_400)} d ago`;
  return shortDate.format(ms);
};

const showTimes = (within) => {
  for (const time of within.querySelectorAll('time[data-time]')) {
    const ms = Date.parse(time.dateTime);
    if (Number.isNaN(ms)) continue;
    time.title = exact.format(ms);
    time.textContent = time.dataset.time === 'ago' ? ago(ms) : exact.format(ms);
  }
};

/** Charts share their time axis: a bucket that is pointed at is told by all of them. */
const pointAt = (target) => {
  const index = target instanceof Element ? target.closest('.hit')?.getAttribute('data-i') : undefined;
  for (const chart of document.querySelectorAll('.chart')) {
    const readout = chart.querySelector('.readout');
    chart.querySelector('.hit.on')?.classList.remove('on');
    const hit = index == null ? null : chart.querySelector(`.hit[data-i="${index}"]`);
    hit?.classList.add('on');
    if (readout) readout.textContent = hit?.getAttribute('data-label') ?? readout.dataset.summary;
  }
};

const rows = () => [...document.querySelectorAll('a[data-row]')];

const moveBy = (step) => {
  const all = rows();
  if (all.length === 0) return;
  const current = all.indexOf(document.activeElement);
  const open = all.findIndex((row) => row.hasAttribute('aria-current'));
  const from = current >= 0 ? current : open;
  const next = from < 0 ? 0 : Math.min(all.length - 1, Math.max(0, from + step));
  all[next].focus();
  all[next].scrollIntoView({ block: 'nearest' });
};

const isTyping = (target) =>
  target instanceof Element && target.closest('input, select, textarea, [contenteditable]') !== null;

const onKey = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  // A dialog closes itself with Escape: the conversation below it stays.
  if (document.querySelector('dialog[open]')) return;
  if (event.key === 'Escape') {
    if (isTyping(event.target)) return event.target.blur();
    document.querySelector('a[data-close]')?.click();
    return;
  }
  if (isTyping(event.target)) return;
  if (event.key === 'j') moveBy(1);
  else if (event.key === 'k') moveBy(-1);
  else if (event.key === '/') {
    const search = document.querySelector('[data-key="/"]');
    if (!search) return;
    search.focus();
    search.select();
  } else if (event.key === '?') document.querySelector('#keys')?.showModal();
  else return;
  event.preventDefault();
};

/** Fields that are empty stay out of the address. */
const onSubmit = (event) => {
  for (const field of event.target.elements) if (field.name && field.value === '') field.disabled = true;
};

const liveParts = () => [...document.querySelectorAll('[data-live]')];

/** Puts what the server has now in the place of what is shown; what is focused and scrolled stays so. */
const refresh = async () => {
  const response = await fetch(location.href, { headers: { 'X-Refresh': '1' } });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
  for (const part of liveParts()) {
    const other = fresh.getElementById(part.id);
    // What is open or selected is being read: it is not to vanish.
    if (!other || part.querySelector('details[open]') || !document.getSelection()?.isCollapsed) continue;
    const focused = part.contains(document.activeElement)
      ? document.activeElement.getAttribute('href')
      : null;
    const isAtEnd = part.scrollTop + part.clientHeight >= part.scrollHeight - 40;
    const { scrollTop } = part;
    part.replaceChildren(...[...other.childNodes].map((node) => document.importNode(node, true)));
    showTimes(part);
    part.scrollTop = part.id === 'thread' && isAtEnd ? part.scrollHeight : scrollTop;
    if (focused !== null) part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }
};

const watch = () => {
  const parts = liveParts();
  if (parts.length === 0) return;
  const pause = parts.some((part) => part.dataset.live === 'slow') ? 15_000 : 1_000;
  let waiting = false;
  let source;
  const connect = () => {
    source = new EventSource('/ops/live');
    source.addEventListener('exchange', () => {
      if (waiting) return;
      waiting = true;
      setTimeout(() => {
        waiting = false;
        refresh().catch(() => undefined);
      }, pause);
    });
  };
  connect();
  // A page that nobody sees costs the service nothing.
  document.addEventListener('visibilitychange', () => {
    source.close();
    if (document.hidden) return;
    connect();
    refresh().catch(() => undefined);
  });
};

showTimes(document);
setInterval(() => showTimes(document), 30_000);
document.addEventListener('keydown', onKey);
document.addEventListener('pointerover', (event) => pointAt(event.target));
document.addEventListener('click', (event) => {
  for (const menu of document.querySelectorAll('details.menu[open], details.more[open]')) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
for (const form of document.querySelectorAll('form[data-filters]')) {
  form.addEventListener('submit', onSubmit);
  form.addEventListener('change', () => form.requestSubmit());
}
for (const more of document.querySelectorAll('details.more[open]')) more.open = false;
const thread = document.querySelector('#thread');
if (thread && !location.hash) thread.scrollTop = thread.scrollHeight;
watch();
