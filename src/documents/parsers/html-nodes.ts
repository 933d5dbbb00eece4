import type { DefaultTreeAdapterTypes } from 'parse5';

export type Node = DefaultTreeAdapterTypes.ChildNode;
export type Element = DefaultTreeAdapterTypes.Element;
type Parent = DefaultTreeAdapterTypes.ParentNode;

/** How deep a page is looked into: beyond it nothing was meant to be read, and no stack is endless. */
export const MAX_DEPTH = 400;

export const isElement = (node: Node): node is Element => 'tagName' in node;

export const attribute = (element: Element, name: string): string | undefined =>
  element.attrs.find((one) => one.name === name)?.value;

/** All elements below, in reading order. */
export function* elementsIn(parent: Parent, depth = 0): Generator<Element> {
  if (depth > MAX_DEPTH) return;
  for (const child of parent.childNodes) {
    if (!isElement(child)) continue;
    yield child;
    yield* elementsIn(child, depth + 1);
  }
}

const NOT_READ: ReadonlySet<string> = new Set(
  'script style noscript template nav aside footer svg math iframe object embed canvas video audio button select textarea input dialog head menu'.split(
    ' ',
  ),
);
const NOT_READ_ROLES: ReadonlySet<string> = new Set(
  'navigation banner contentinfo search complementary dialog alertdialog menu menubar toolbar'.split(' '),
);
const NOT_READ_NAMES =
  /(?:^|[\s_-])(?:cookie|consent|breadcrumbs?|skip-link|sr-only|newsletter|share|social)(?:$|[\s_-])/i;

/** Whether an element is part of the page's frame, or not to be seen. */
export const isNotRead = (element: Element): boolean => {
  if (NOT_READ.has(element.tagName)) return true;
  for (const { name, value } of element.attrs) {
    if (name === 'hidden' || (name === 'aria-hidden' && value === 'true')) return true;
    if (name === 'role' && NOT_READ_ROLES.has(value.toLowerCase())) return true;
    if (name === 'style' && /display\s*:\s*none|visibility\s*:\s*hidden/i.test(value)) return true;
    if ((name === 'class' || name === 'id') && NOT_READ_NAMES.test(value)) return true;
  }
  return false;
};

/** The text in a node, white space as it would be shown. */
export const textIn = (node: Node, depth = 0): string => {
  if ('value' in node && node.nodeName === '#text') return node.value;
  if (!isElement(node) || depth > MAX_DEPTH || isNotRead(node)) return '';
  if (node.tagName === 'br') return '\n';
  return node.childNodes.map((child) => textIn(child, depth + 1)).join('');
};

export const collapse = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.replace(/[\s\u00a0\u200b\u00ad]+/g, ' ').trim())
    .filter((line) => line !== '')
    .join('\n');

/** Text on one line. */
export const oneLine = (text: string): string => text.replace(/[\s\u00a0\u200b]+/g, ' ').trim();
