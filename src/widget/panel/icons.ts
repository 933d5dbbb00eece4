import { CHAT_LINES, CLOSE_LINES, drawIcon } from '../dom.ts';

/** Icons of one weight on a grid of 24; lines only. */
const PATHS = {
  chat: CHAT_LINES,
  close: CLOSE_LINES,
  menu: 'M12 5.5v.01M12 12v.01M12 18.5v.01',
  send: 'M12 19V5M5.5 11.5 12 5l6.5 6.5',
  stop: 'M7 7h10v10H7z',
  copy: 'M9 9h10.5v10.5H9zM5.5 15H4.5V4.5H15v1',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  up: 'M7 11v9H4v-9h3Zm0 0 4-7.5c1.5 0 2.6 1.2 2.4 2.7L13 9.5h5.3a2 2 0 0 1 2 2.4l-1.3 6.5a2 2 0 0 1-2 1.6H7',
  down: 'M17 13V4h3v9h-3Zm0 0-4 7.5c-1.5 0-2.6-1.2-2.4-2.7l.4-3.3H5.7a2 2 0 0 1-2-2.4L5 5.6A2 2 0 0 1 7 4h10',
  retry: 'M4.5 12a7.5 7.5 0 1 0 2.4-5.5L4.5 8.7M4.5 4v4.7h4.7',
  plus: 'M12 5v14M5 12h14',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  arrow: 'M12 5v14M5.5 12.5 12 19l6.5-6.5',
  clock: 'M12 7v5l3.5 2M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17',
  offline: 'M3 3l18 18M8.5 8.6A12 12 0 0 0 5 11m14 0a12 12 0 0 0-6-3M8.5 14.5a6 6 0 0 1 7 0M12 18.5v.01',
} as const;

export type IconName = keyof typeof PATHS;

export const icon = (name: IconName, size = 20): SVGSVGElement =>
  drawIcon(PATHS[name], size, name, name === 'menu' ? 2.6 : undefined);
