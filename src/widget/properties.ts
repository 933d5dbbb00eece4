/** Properties of the element that are attributes under another name, so that frameworks can set either. */
const MIRRORED = [
  'server',
  'mode',
  'greeting',
  'suggestions',
  'accent',
  'theme',
  'position',
  'privacyUrl',
] as const;

/** `privacyUrl` → `privacy-url` */
const attributeOf = (property: string): string =>
  property.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** @param prototype The element's. */
export const addAccessors = (prototype: HTMLElement): void => {
  for (const property of MIRRORED) {
    const attribute = attributeOf(property);
    Object.defineProperty(prototype, property, {
      configurable: true,
      enumerable: true,
      get(this: HTMLElement) {
        const text = this.getAttribute(attribute) ?? '';
        return property === 'suggestions' ? readList(text) : text;
      },
      set(this: HTMLElement, value: unknown) {
        const text = Array.isArray(value) ? JSON.stringify(value) : String(value ?? '');
        if (text === '') this.removeAttribute(attribute);
        else this.setAttribute(attribute, text);
      },
    });
  }
};

/** What a page has set before this script was here hides the accessors of the class: it is set again. */
export const upgradeProperties = (element: HTMLElement): void => {
  for (const name of [...MIRRORED, 'userToken']) {
    if (!Object.hasOwn(element, name)) continue;
    const value: unknown = Reflect.get(element, name);
    Reflect.deleteProperty(element, name);
    Reflect.set(element, name, value);
  }
};

/** A list as it stands in an attribute: `["A", "B"]`, or a line or `|` between them. */
export const readList = (text: string): string[] => {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = text.split(/[|\n]/);
  }
  return Array.isArray(list) ? list.map((one) => String(one).trim()).filter((one) => one !== '') : [];
};
