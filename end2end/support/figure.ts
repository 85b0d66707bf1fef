// Figures as a bench ends with them.

/** The middle one; of an even number of values the mean of the two in the middle. */
export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const lower = sorted[Math.ceil(middle) - 1];
  const upper = sorted[Math.floor(middle)];
  if (lower === undefined || upper === undefined) throw new Error('no values');
  return (lower + upper) / 2;
}

/** A table for people, then one line `figure NAME VALUE` each. */
export function printFigures(figures: Record<string, number>): void {
  const widest = Math.max(...Object.keys(figures).map((name) => name.length));
  const rounded = Object.entries(figures).map(([name, value]): [string, string] => [name, String(round(value))]);
  for (const [name, value] of rounded) console.log(`${name.padEnd(widest)}  ${value.padStart(12)}`);
  for (const [name, value] of rounded) console.log(`figure ${name} ${value}`);
}

/** Ratios to two places, everything larger to one. */
function round(value: number): number {
  const places = Math.abs(value) < 10 ? 100 : 10;
  return Math.round(value * places) / places;
}
