// What a screen is to whoever hears it, and to whoever reads another language.
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

import { THEMES } from './picture.ts';

/** Nothing on this screen keeps anybody out, by day or by night. */
export async function accessible(page: Page): Promise<void> {
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
    const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    const said = grave.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
    expect(said, `${new URL(page.url()).pathname}, ${theme}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: null });
}

/** Every text of the page with Vietnamese letters that stay once all that people and the office wrote is taken out. */
export async function vietnameseLeft(page: Page, written: string[]): Promise<string[]> {
  const texts = await page.evaluate(() => {
    const found = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) found.push(walker.currentNode.textContent ?? '');
    for (const element of document.querySelectorAll('[aria-label], [placeholder], [title]')) {
      for (const name of ['aria-label', 'placeholder', 'title']) found.push(element.getAttribute(name) ?? '');
    }
    return found;
  });
  const longestFirst = [...written].sort((a, b) => b.length - a.length);
  return texts.filter((text) => {
    let rest = text;
    for (const piece of longestFirst) rest = rest.replaceAll(piece, '');
    return VIETNAMESE.test(rest);
  });
}

const VIETNAMESE = /[À-ÖØ-öø-ỹ]/;

/** Everything with Vietnamese letters in the answers of the office, also names as they are said: bare and by the last word. */
export function writtenIn(answers: string[]): string[] {
  const found = new Set<string>();
  const add = (text: string) => {
    if (VIETNAMESE.test(text)) found.add(text);
  };
  const walk = (value: unknown, key: string): void => {
    if (typeof value === 'string') {
      add(value);
      if (key !== 'name') return;
      add(value.replace(/^(Tỉnh|Xã|Phường) /, ''));
      add(value.split(' ').at(-1) ?? '');
    } else if (Array.isArray(value)) {
      for (const element of value) walk(element, key);
    } else if (value !== null && typeof value === 'object') {
      for (const [name, inner] of Object.entries(value)) walk(inner, name);
    }
  };
  for (const answer of answers) walk(JSON.parse(answer), '');
  return [...found];
}
