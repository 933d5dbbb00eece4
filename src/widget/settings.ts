import { DEFAULT_ACCENT } from './color.ts';
import { readList } from './properties.ts';
import type { WidgetSettings } from './protocol/widget-settings.ts';

/** How one widget looks and speaks: its attributes, then what the service says, then the defaults. */
export interface Settings {
  readonly server: string;
  readonly isInline: boolean;
  readonly title: string | undefined;
  readonly status: string | undefined;
  readonly greeting: string | undefined;
  readonly suggestions: readonly string[];
  readonly placeholder: string | undefined;
  readonly accent: string;
  readonly theme: 'light' | 'dark' | 'auto';
  readonly position: 'left' | 'right' | undefined;
  /** Wishes, the strongest first. */
  readonly languages: readonly (string | null | undefined)[];
  readonly privacyUrl: string | undefined;
  readonly showsImages: boolean;
  readonly maxMessageChars: number;
}

export const ATTRIBUTES = [
  'server',
  'mode',
  'title',
  'status',
  'greeting',
  'suggestions',
  'placeholder',
  'accent',
  'theme',
  'position',
  'lang',
  'privacy-url',
  'images',
  'user-token',
] as const;

export type AttributeName = (typeof ATTRIBUTES)[number];

const MAX_SUGGESTIONS = 4;

/** A page may name one of its own addresses as it likes. */
const absolute = (url: string | undefined): string | undefined =>
  url !== undefined && URL.canParse(url, document.baseURI) ? new URL(url, document.baseURI).href : undefined;

const THEMES = ['light', 'dark', 'auto'] as const;
const POSITIONS = ['left', 'right'] as const;

const oneOf = <T extends string>(value: unknown, allowed: readonly T[]): T | undefined =>
  allowed.find((one) => one === value);

/**
 * @param attribute The text of an attribute; undefined where it is not set.
 * @param service What the service says; `{}` until it is known.
 */
export const settingsOf = (
  server: string,
  attribute: (name: AttributeName) => string | undefined,
  service: WidgetSettings,
): Settings => {
  const suggestions = attribute('suggestions');
  return {
    server,
    isInline: attribute('mode') === 'inline',
    title: attribute('title') ?? service.title,
    status: attribute('status') ?? service.status,
    greeting: attribute('greeting') ?? service.greeting,
    suggestions: (suggestions === undefined ? (service.suggestions ?? []) : readList(suggestions)).slice(
      0,
      MAX_SUGGESTIONS,
    ),
    placeholder: attribute('placeholder') ?? service.placeholder,
    accent: attribute('accent') ?? service.accent ?? DEFAULT_ACCENT,
    theme: oneOf(attribute('theme') ?? service.theme, THEMES) ?? 'auto',
    position: oneOf(attribute('position') ?? service.position, POSITIONS),
    languages: [attribute('lang'), service.lang, document.documentElement.lang, ...navigator.languages],
    privacyUrl: absolute(attribute('privacy-url')) ?? service.privacy_url,
    showsImages: (attribute('images') ?? service.images) === 'allow',
    maxMessageChars: service.max_message_chars ?? 4_000,
  };
};

const TEXTS = ['title', 'status', 'greeting', 'placeholder', 'accent', 'lang', 'privacy_url'] as const;

/** What the service says, as far as it is what it should be. */
const readSettings = (json: unknown): WidgetSettings => {
  const fields = Object.entries(typeof json === 'object' && json !== null ? json : {});
  const given = Object.fromEntries<unknown>(fields);
  const { suggestions, max_message_chars: max } = given;
  return {
    ...Object.fromEntries(
      TEXTS.map((name) => [name, typeof given[name] === 'string' ? given[name] : undefined]),
    ),
    theme: oneOf(given.theme, THEMES),
    position: oneOf(given.position, POSITIONS),
    images: oneOf(given.images, ['allow', 'off']),
    suggestions: Array.isArray(suggestions) ? suggestions.map(String) : [],
    max_message_chars: typeof max === 'number' ? max : undefined,
  };
};

const fetched = new Map<string, Promise<WidgetSettings>>();
/** The button does not wait longer for how it is to look. */
const PATIENCE_MS = 2_500;

/** What the service says; `{}` where it cannot be asked. Asked once a page. */
export const fetchSettings = (server: string): Promise<WidgetSettings> => {
  const known = fetched.get(server);
  if (known) return known;
  const asked = (async (): Promise<WidgetSettings> => {
    try {
      const response = await fetch(`${server}/api/widget`, {
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      return response.ok ? readSettings(await response.json()) : {};
    } catch {
      fetched.delete(server);
      return {};
    }
  })();
  fetched.set(server, asked);
  return asked;
};
