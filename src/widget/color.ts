/** Colours that can be read on each other, whatever accent a site has. */

type Rgb = readonly [number, number, number];

const SURFACES = { light: [255, 255, 255], dark: [28, 28, 31] } as const satisfies Record<string, Rgb>;
export const DEFAULT_ACCENT = '#3457d5';

/** WCAG's relative luminance. */
const luminance = (rgb: Rgb): number => {
  const [r, g, b] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
};

/** WCAG's contrast ratio, 1 to 21. */
const contrast = (a: Rgb, b: Rgb): number => {
  const [one, other] = [luminance(a), luminance(b)];
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
};

const mix = (from: Rgb, to: Rgb, share: number): Rgb => {
  const part = (index: 0 | 1 | 2): number => from[index] + (to[index] - from[index]) * share;
  return [part(0), part(1), part(2)];
};

/** As near to `color` as contrast with `ground` allows. */
const readableOn = (color: Rgb, ground: Rgb, least: number): Rgb => {
  const end: Rgb = luminance(ground) > 0.18 ? [0, 0, 0] : [255, 255, 255];
  for (let share = 0; share < 1; share += 0.04) {
    const mixed = mix(color, end, share);
    if (contrast(mixed, ground) >= least) return mixed;
  }
  return end;
};

const cssOf = (rgb: Rgb): string => `rgb(${rgb.map((part) => Math.round(part)).join(' ')})`;

/** @param probe Any element in the page: the browser reads the colour for us. Undefined where it is none. */
const parse = (color: string, probe: HTMLElement): Rgb | undefined => {
  if (!CSS.supports('color', color)) return undefined;
  probe.style.color = `color-mix(in srgb, ${color}, ${color})`;
  const found = /color\(srgb (\S+) (\S+) (\S+?)[ )]/.exec(getComputedStyle(probe).color);
  probe.style.color = '';
  if (!found) return undefined;
  const part = (n: number): number => Math.min(1, Math.max(0, Number(found[n]) || 0)) * 255;
  return [part(1), part(2), part(3)];
};

/** The colours that follow from an accent, as values for CSS. */
export interface Palette {
  readonly accent: string;
  /** Text on the accent: AA. */
  readonly onAccent: string;
  /** The accent as text on a surface: AA. */
  readonly accentText: string;
}

/** @param accent A CSS colour; the default stands for what is none. */
export const paletteOf = (accent: string, theme: 'light' | 'dark', probe: HTMLElement): Palette => {
  const given = parse(accent, probe) ?? parse(DEFAULT_ACCENT, probe) ?? [52, 87, 213];
  const surface = SURFACES[theme];
  // In the dark a dark accent would vanish: it is lightened until it stands out from the surface.
  const shown = theme === 'dark' ? readableOn(given, surface, 3.2) : given;
  const white: Rgb = [255, 255, 255];
  const black: Rgb = [17, 17, 17];
  // White is preferred, as people expect it on a colour, wherever it passes AA.
  const onAccent = contrast(white, shown) >= 4.5 ? white : contrast(black, shown) >= 4.5 ? black : [0, 0, 0];
  // Links stand on the raised surface, which is a little nearer to them than the plain one.
  return {
    accent: cssOf(shown),
    onAccent: cssOf(onAccent as Rgb),
    accentText: cssOf(readableOn(given, theme === 'dark' ? [43, 43, 48] : [240, 241, 243], 4.6)),
  };
};
