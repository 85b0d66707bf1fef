// The browser of this machine: found on the path, never downloaded.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export const CHROMIUM = process.env.CHROMIUM ?? find(['chromium', 'chromium-browser', 'google-chrome']);

export const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function find(names: string[]): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of names) {
      if (existsSync(join(folder, name))) return join(folder, name);
    }
  }
  throw new Error(`none of ${names.join(', ')} is installed`);
}
