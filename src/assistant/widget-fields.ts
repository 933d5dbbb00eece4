import { z } from 'zod';

const line = (max: number) => z.string().trim().min(1).max(max);

/** `x-widget`: how our own chat bubble looks and what it says, on all pages. Everyone may read it. */
export const widgetFields = z.object({
  title: line(80).exactOptional(),
  status: line(120).exactOptional(),
  greeting: line(2_000).exactOptional(),
  suggestions: z.array(line(120)).max(4).exactOptional(),
  placeholder: line(80).exactOptional(),
  accent: z
    .string()
    .regex(/^[#a-z][\w#(),.%/ -]{1,63}$/i, 'takes a CSS colour, such as #3457d5')
    .exactOptional(),
  theme: z.enum(['light', 'dark', 'auto']).exactOptional(),
  position: z.enum(['left', 'right']).exactOptional(),
  lang: z
    .string()
    .regex(/^[a-z]{2,3}(-[\w-]{1,20})?$/i, 'takes a language tag, such as en or pt-BR')
    .exactOptional(),
  privacy_url: z
    .url({ protocol: /^https?$/, error: 'takes an http or https URL' })
    .max(2_000)
    .exactOptional(),
  images: z.enum(['allow', 'off']).exactOptional(),
});

export type WidgetFields = z.output<typeof widgetFields>;
