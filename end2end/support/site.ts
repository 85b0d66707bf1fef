// Other builds of the site, made from the real one: a newer build, and one whose files do not fit together.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SITE } from './office.ts';

interface Build {
  build: string;
  style: string;
  files: { path: string; sha256: string }[];
}

/** Name of the build of `OtherSite.newer`. */
export const NEWER = 'fedcba9876543210';

export class OtherSite {
  private constructor(readonly folder: string) {}

  static async copy(): Promise<OtherSite> {
    const folder = await mkdtemp(join(tmpdir(), 'cau-noi-site-'));
    await cp(SITE, folder, { recursive: true });
    return new OtherSite(folder);
  }

  /** The next build: the same app under another name. */
  static async newer(): Promise<OtherSite> {
    const site = await OtherSite.copy();
    const { build, files } = await site.#build();
    const worker = files.find(({ path }) => path === '/sw.js');
    if (!worker) throw new Error('the site has no service worker');
    await site.#replace('build.json', build, NEWER);
    await site.#replace('build.json', worker.sha256, NEWER.repeat(4));
    await site.#replace('sw.js', build, NEWER);
    return site;
  }

  /** A file that is not the one the service worker expects, as after half a copy. */
  static async half(): Promise<OtherSite> {
    const site = await OtherSite.copy();
    const { style } = await site.#build();
    await writeFile(join(site.folder, style), 'body { color: inherit }');
    await rm(join(site.folder, `${style}.br`));
    await rm(join(site.folder, `${style}.gz`));
    return site;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async #build(): Promise<Build> {
    return JSON.parse(await readFile(join(this.folder, 'build.json'), 'utf8')) as Build;
  }

  async #replace(name: string, from: string, to: string): Promise<void> {
    const file = join(this.folder, name);
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll(from, to));
    for (const ending of ['.br', '.gz']) await rm(file + ending, { force: true });
  }
}
