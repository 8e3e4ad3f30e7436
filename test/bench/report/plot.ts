/** Curves as an SVG picture: both axes logarithmic, one panel a quantity. Pure. */
import type { Series } from './report.js';

const PANEL = { width: 420, height: 300 };
const MARGIN = { left: 60, right: 20, top: 40, bottom: 50 };
const PANELS = { latency: 'put sent to request, p50, ms', cpu: 'CPU for a change, ms' } as const;
const COLOURS = { floor: '#6b7280', sidekick: '#0a7d33', 'shell loop': '#b45309' } as const;
const DASHES = ['', '6 4', '2 3'];
const LEGEND_ROW = 18;

type Scale = (value: number) => number;

/** The powers of ten around values. */
function decades(values: readonly number[]): readonly number[] {
  const exponents = values.map((value) => Math.log10(value));
  const lowest = Math.floor(Math.min(...exponents));
  const highest = Math.max(lowest + 1, Math.ceil(Math.max(...exponents)));
  return Array.from({ length: highest - lowest + 1 }, (_, nth) => 10 ** (lowest + nth));
}

function scale(ticks: readonly number[], from: number, to: number): Scale {
  const [low, high] = [Math.log10(ticks[0] as number), Math.log10(ticks.at(-1) as number)];
  return (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  const at = [x1, y1, x2, y2].map((value) => value.toFixed(1));
  return `<line x1="${at[0]}" y1="${at[1]}" x2="${at[2]}" y2="${at[3]}" stroke="#d1d5db"/>`;
}

/** How a series is drawn: its colour is the contender's, its dashes are the name's. */
function stroke({ contender, name }: Series, names: readonly string[]): string {
  const dashes = DASHES[names.indexOf(name) % DASHES.length] ?? '';
  return `stroke="${COLOURS[contender]}" stroke-width="2" fill="none" stroke-dasharray="${dashes}"`;
}

function curve(series: Series, x: Scale, y: Scale, names: readonly string[]): string {
  const points = series.points.map(
    ([servers, value]) => [x(servers).toFixed(1), y(value).toFixed(1)] as const,
  );
  const dots = points.map(
    ([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${COLOURS[series.contender]}"/>`,
  );
  return `<polyline points="${points.map((point) => point.join(',')).join(' ')}" ${stroke(series, names)}/>${dots.join('')}`;
}

function panel(title: string, all: readonly Series[], names: readonly string[]): string {
  const [left, right] = [MARGIN.left, PANEL.width - MARGIN.right];
  const [top, bottom] = [MARGIN.top, PANEL.height - MARGIN.bottom];
  const points = all.flatMap((series) => series.points);
  const xTicks = decades(points.map(([servers]) => servers));
  const yTicks = decades(points.map(([, value]) => value));
  const x = scale(xTicks, left, right);
  const y = scale(yTicks, bottom, top);
  const label = (value: number) => value.toLocaleString('en-US');
  return [
    text(left, top - 16, title, 'font-weight="bold"'),
    ...xTicks.map((tick) => line(x(tick), top, x(tick), bottom)),
    ...xTicks.map((tick) => text(x(tick), bottom + 18, label(tick), 'text-anchor="middle"')),
    ...yTicks.map((tick) => line(left, y(tick), right, y(tick))),
    ...yTicks.map((tick) => text(left - 8, y(tick) + 4, label(tick), 'text-anchor="end"')),
    text((left + right) / 2, bottom + 38, 'servers', 'text-anchor="middle"'),
    ...all.map((series) => curve(series, x, y, names)),
  ].join('\n');
}

function legend(all: readonly Series[], names: readonly string[], top: number): string {
  return all
    .map((series, nth) => {
      const y = top + nth * LEGEND_ROW;
      const sample = `<line x1="60" y1="${y}" x2="100" y2="${y}" ${stroke(series, names)}/>`;
      return sample + text(110, y + 4, `${series.contender}, ${series.name}`);
    })
    .join('\n');
}

/** One panel for each quantity that has curves, and a legend; empty curves are left out. */
export function plot(series: readonly Series[]): string {
  const drawn = series.filter(({ points }) => points.length > 0);
  const names = [...new Set(drawn.map(({ name }) => name))];
  const panels = Object.entries(PANELS)
    .map(([kind, title]) => ({ title, curves: drawn.filter((each) => each.plot === kind) }))
    .filter(({ curves }) => curves.length > 0);
  const known = panels[0]?.curves ?? [];
  const width = PANEL.width * Math.max(1, panels.length);
  const height = PANEL.height + (known.length + 1) * LEGEND_ROW;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...panels.map(
      ({ title, curves }, nth) =>
        `<g transform="translate(${nth * PANEL.width} 0)">\n${panel(title, curves, names)}\n</g>`,
    ),
    legend(known, names, PANEL.height + 10),
    '</svg>\n',
  ].join('\n');
}
