/** GET /api/widget: what the assistant's file says under `x-widget`, and what the page must know of the service. */
export interface WidgetSettings {
  /** Name of the assistant, in the header. */
  readonly title?: string | undefined;
  /** A short line below it. */
  readonly status?: string | undefined;
  /** What the assistant says before the visitor has said anything; Markdown. */
  readonly greeting?: string | undefined;
  /** Questions to start with, at most four. */
  readonly suggestions?: readonly string[] | undefined;
  readonly placeholder?: string | undefined;
  /** A CSS colour. */
  readonly accent?: string | undefined;
  readonly theme?: 'light' | 'dark' | 'auto' | undefined;
  readonly position?: 'left' | 'right' | undefined;
  /** A language tag: strings in this language, whatever page and browser say. */
  readonly lang?: string | undefined;
  readonly privacy_url?: string | undefined;
  /** `allow`: images in answers are shown, from wherever they come. */
  readonly images?: 'allow' | 'off' | undefined;
  /** The longest message, in UTF-16 units. */
  readonly max_message_chars?: number | undefined;
}
