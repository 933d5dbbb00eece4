import { html } from 'hono/html';
import { type Html, NOTHING } from './parts.ts';

/** Charts as inline SVG. All have one bucket of time in the same place, so that they can be read one below the other. */

const WIDTH = 1_000;
const HEIGHT = 120;

export interface Series {
  readonly name: string;
  /** `a` the main colour, `b` a lighter one, `bad` for what went wrong. */
  readonly tone: 'a' | 'b' | 'bad';
  /** One for each bucket; undefined where nothing was measured. */
  readonly values: readonly (number | undefined)[];
}

export interface Chart {
  readonly title: string;
  /** Bars are stacked, first series at the bottom. */
  readonly form: 'bars' | 'lines';
  readonly series: readonly Series[];
  /** How a value reads. */
  readonly show: (value: number) => string;
  /** What the whole range comes to: told while no bucket is pointed at. */
  readonly summary: string;
}

/** The buckets of the time axis. */
export interface Axis {
  /** How each bucket is called: `1 Mar`, `14:00`. */
  readonly labels: readonly string[];
  readonly unit: 'hour' | 'day';
}

/** The next round number: 1, 2, 2.5, 5 or 10 times a power of ten. */
const roundUp = (value: number): number => {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= value * 0.999_999) ?? 10;
  return step * power;
};

const valueAt = ({ values }: Series, index: number): number => values[index] ?? 0;

const round = (value: number): number => Math.round(value * 100) / 100;

const bars = ({ series }: Chart, count: number, top: number): Html[] => {
  const step = WIDTH / count;
  const gap = Math.min(step * 0.25, 6);
  return Array.from({ length: count }, (_, index) => {
    let below = 0;
    return series.map((one) => {
      const value = valueAt(one, index);
      if (value === 0) return NOTHING;
      // A little must still be seen beside a lot.
      const height = Math.max(1.5, (value / top) * HEIGHT);
      const y = HEIGHT - below - height;
      below += height;
      return html`<rect class="tone-${one.tone}" x="${round(index * step + gap / 2)}" y="${round(y)}" width="${round(step - gap)}" height="${round(height)}"/>`;
    });
  }).flat();
};

/** A line through what was measured; a single value between gaps is a dash. */
const lines = ({ series }: Chart, count: number, top: number): Html[] => {
  const step = WIDTH / count;
  return series.map((one) => {
    let path = '';
    let isDown = false;
    for (let index = 0; index < count; index++) {
      const value = one.values[index];
      if (value === undefined) {
        isDown = false;
        continue;
      }
      const [x, y] = [round((index + 0.5) * step), round(HEIGHT - (value / top) * HEIGHT)];
      const isAlone = !isDown && one.values[index + 1] === undefined;
      path += isAlone
        ? `M${round(x - step / 3)} ${y}h${round((2 * step) / 3)}`
        : `${isDown ? 'L' : 'M'}${x} ${y}`;
      isDown = true;
    }
    return html`<path class="line tone-${one.tone}" d="${path}"/>`;
  });
};

const topOf = ({ form, series }: Chart, count: number): number => {
  const heights = Array.from({ length: count }, (_, index) => {
    const values = series.map((one) => valueAt(one, index));
    return form === 'bars' ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values);
  });
  return roundUp(Math.max(0, ...heights));
};

const readout = ({ series, show }: Chart, index: number): string =>
  series
    .filter(({ values }) => values[index] !== undefined)
    .map((one) => `${one.name} ${show(valueAt(one, index))}`)
    .join(', ') || 'nothing';

const table = (
  chart: Chart,
  { labels, unit }: Axis,
): Html => html`<details class="numbers"><summary>Table</summary><div class="scroll" tabindex="0" role="region" aria-label="${chart.title}, as a table"><table>
  <thead><tr><th scope="col">${unit === 'hour' ? 'Hour' : 'Day'}</th>${chart.series.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead>
  <tbody>${labels.map((label, index) => html`<tr><th scope="row">${label}</th>${chart.series.map(({ values }) => html`<td>${values[index] === undefined ? '–' : chart.show(values[index])}</td>`)}</tr>`)}</tbody>
</table></div></details>`;

/** A chart with its legend, its time axis and its table. */
export const figure = (chart: Chart, axis: Axis): Html => {
  const { labels } = axis;
  const count = labels.length;
  const top = topOf(chart, count);
  const step = WIDTH / count;
  const middle = labels[Math.floor((count - 1) / 2)];
  return html`<figure class="chart">
  <figcaption><h2>${chart.title}</h2>${chart.series.length > 1 ? html`<ul class="legend">${chart.series.map(({ name, tone }) => html`<li><span class="key tone-${tone}"></span>${name}</li>`)}</ul>` : NOTHING}<output class="readout" data-summary="${chart.summary}">${chart.summary}</output></figcaption>
  <div class="plot"><span class="top" aria-hidden="true">${chart.show(top)}</span>
  <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${chart.title}. ${chart.summary}. The table below has the numbers."><path class="grid" d="M0 .5H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT - 0.5}H${WIDTH}"/>
  ${chart.form === 'bars' ? bars(chart, count, top) : lines(chart, count, top)}
  ${labels.map((label, index) => html`<rect class="hit" x="${round(index * step)}" y="0" width="${round(step)}" height="${HEIGHT}" data-i="${index}" data-label="${label}: ${readout(chart, index)}"><title>${label}: ${readout(chart, index)}</title></rect>`)}</svg></div>
  <p class="axis" aria-hidden="true"><span>${labels[0]}</span>${count > 2 ? html`<span>${middle}</span>` : NOTHING}${count > 1 ? html`<span>${labels.at(-1)}</span>` : NOTHING}</p>
  ${table(chart, axis)}
</figure>`;
};
