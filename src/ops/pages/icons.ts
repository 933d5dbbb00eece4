import { html, raw } from 'hono/html';

/** Inline icons of one weight: 16 px, strokes of 1.5. */
const PATHS = {
  overview: '<path d="M2.5 13.5v-4M6.2 13.5v-8M9.8 13.5v-6M13.5 13.5v-11"/>',
  conversations:
    '<path d="M2.5 4.5a2 2 0 0 1 2-2h7a2 2 0 0 1 2 2v4a2 2 0 0 1-2 2H7l-3 3v-3a1.5 1.5 0 0 1-1.5-1.5z"/>',
  documents: '<path d="M4 1.8h5L12.5 5v9.2H4zM9 1.8V5h3.5M6 8h4.5M6 10.8h4.5"/>',
  settings:
    '<path d="M2 4.5h7M12 4.5h2M2 11.5h2M7 11.5h7"/><circle cx="10.5" cy="4.5" r="1.6"/><circle cx="5.5" cy="11.5" r="1.6"/>',
  search: '<circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 3.5 3.5"/>',
  up: '<path d="M5 7v6.5M5 7l3-5c1 0 1.6.7 1.6 1.6L9.2 6h3.3a1.4 1.4 0 0 1 1.4 1.7l-1 4.6a1.5 1.5 0 0 1-1.5 1.2H5M5 7H2.2v6.5H5"/>',
  down: '<path d="M5 9V2.5M5 9l3 5c1 0 1.6-.7 1.6-1.6L9.2 10h3.3a1.4 1.4 0 0 0 1.4-1.7l-1-4.6a1.5 1.5 0 0 0-1.5-1.2H5M5 9H2.2V2.5H5"/>',
  user: '<circle cx="8" cy="5.2" r="2.7"/><path d="M2.8 13.8c.6-2.6 2.6-4 5.2-4s4.6 1.4 5.2 4"/>',
  verified: '<path d="M8 1.8 13 4v4c0 3-2 5.2-5 6.2C5 13.2 3 11 3 8V4z"/><path d="m5.8 8 1.6 1.6 3-3.2"/>',
  anonymous:
    '<circle cx="8" cy="8" r="6"/><path d="M6.3 6.3a1.8 1.8 0 1 1 2.5 1.7c-.5.3-.8.6-.8 1.3M8 11.3v.1"/>',
  back: '<path d="M9.5 3 4.5 8l5 5"/>',
  export: '<path d="M8 2v8M4.8 7 8 10.2 11.2 7M2.5 13.5h11"/>',
  trash: '<path d="M2.5 4.2h11M6 4.2V2.5h4v1.7M4 4.2l.6 9.3h6.8l.6-9.3M6.7 7v4M9.3 7v4"/>',
  close: '<path d="m4 4 8 8M12 4l-8 8"/>',
  out: '<path d="M6 2.5H3v11h3M10.5 5l3 3-3 3M13 8H6.5"/>',
  link: '<path d="M6.5 9.5 9.5 6.5M7 4.5l1.5-1.5a2.8 2.8 0 0 1 4 4L11 8.5M9 11.5 7.5 13a2.8 2.8 0 0 1-4-4L5 7.5"/>',
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration: what it means stands beside it. */
export const icon = (name: IconName) =>
  html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">${raw(PATHS[name])}</svg>`;
