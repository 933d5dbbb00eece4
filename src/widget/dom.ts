type Child = Node | string | false | null | undefined;
type Listener = (event: never) => void;
type Value = string | number | boolean | null | undefined | Listener;

/**
 * Makes an element. Nothing is ever parsed as HTML: what is given becomes attributes and text.
 * @param props Attributes; functions under `on…` are listeners; false, null and undefined are left out.
 */
export const h = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Record<string, Value> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') {
      // A listener takes the event of its name, which the compiler cannot follow through a record.
      element.addEventListener(name.slice(2), (event) => value(event as never));
    } else set(element, name, value);
  }
  element.append(...children.filter((child) => child !== false && child !== null && child !== undefined));
  return element;
};

/** Sets an attribute, or takes it away: false, null and undefined. */
export const set = (
  element: Element,
  name: string,
  value: string | number | boolean | null | undefined,
): void => {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : String(value));
};

/** Icons of one weight on a grid of 24; lines only. */
const PATHS = {
  chat: 'M21 11.5a8.4 8.4 0 0 1-8.5 8.3 8.7 8.7 0 0 1-3.6-.8L3.5 20.5l1.6-4.6a8 8 0 0 1-1.1-4.4 8.4 8.4 0 0 1 8.5-8.2 8.4 8.4 0 0 1 8.5 8.2Z',
  close: 'M6 6l12 12M18 6L6 18',
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
  link: 'M14 4.5h5.5V10M19.5 4.5 11 13M10 5.5H4.5v14h14V14',
  offline: 'M3 3l18 18M8.5 8.6A12 12 0 0 0 5 11m14 0a12 12 0 0 0-6-3M8.5 14.5a6 6 0 0 1 7 0M12 18.5v.01',
} as const;

export type IconName = keyof typeof PATHS;

/** An icon that says nothing to screen readers: its button does. */
export const icon = (name: IconName, size = 20): SVGSVGElement => {
  const make = (tag: 'svg' | 'path', attributes: Record<string, string>): SVGElement => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const svg = make('svg', {
    viewBox: '0 0 24 24',
    width: String(size),
    height: String(size),
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': name === 'menu' ? '2.6' : '1.75',
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
    'aria-hidden': 'true',
    class: `icon icon-${name}`,
  }) as SVGSVGElement;
  svg.append(make('path', { d: PATHS[name] }));
  return svg;
};

/** A style sheet that a strict Content-Security-Policy allows: it comes from no `<style>`. */
export const sheet = (css: string): CSSStyleSheet => {
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  return made;
};
