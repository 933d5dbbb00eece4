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

/** The lines of the two icons that are there before the panel is. */
export const CHAT_LINES =
  'M21 11.5a8.4 8.4 0 0 1-8.5 8.3 8.7 8.7 0 0 1-3.6-.8L3.5 20.5l1.6-4.6a8 8 0 0 1-1.1-4.4 8.4 8.4 0 0 1 8.5-8.2 8.4 8.4 0 0 1 8.5 8.2Z';
export const CLOSE_LINES = 'M6 6l12 12M18 6L6 18';

/**
 * An icon that says nothing to screen readers: its button does.
 * @param lines A path on a grid of 24.
 */
export const drawIcon = (lines: string, size: number, name: string, weight = 1.75): SVGSVGElement => {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  const attributes = {
    viewBox: '0 0 24 24',
    width: size,
    height: size,
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': weight,
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
    'aria-hidden': 'true',
    class: `icon icon-${name}`,
  };
  for (const [key, value] of Object.entries(attributes)) set(svg, key, value);
  set(path, 'd', lines);
  svg.append(path);
  return svg;
};

/** A style sheet that a strict Content-Security-Policy allows: it comes from no `<style>`. */
export const sheet = (css: string): CSSStyleSheet => {
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  return made;
};
