// Pictures of a screen in every size and theme: `<page>-<size>-<theme>-<state>.png` in target/screens.
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { Page } from '@playwright/test';

const SCREENS = resolve(import.meta.dirname, '../../target/screens');

export const SIZES = [
  { width: 360, height: 640 },
  { width: 1280, height: 800 },
] as const;
export const THEMES = ['light', 'dark'] as const;

export interface PictureOptions {
  /** The whole page instead of what fits the window. */
  whole?: boolean;
}

/** Takes the four pictures of what `page` shows now. */
export async function takePictures(page: Page, name: string, state: string, options: PictureOptions = {}): Promise<void> {
  await mkdir(SCREENS, { recursive: true });
  const before = page.viewportSize();
  for (const size of SIZES) {
    await page.setViewportSize(size);
    if (options.whole) {
      // A window as tall as the page: what is docked at the edge of a window stays at its edge.
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewportSize({ width: size.width, height: Math.max(size.height, height) });
    }
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      const path = join(SCREENS, `${name}-${size.width}x${size.height}-${theme}-${state}.png`);
      await page.screenshot({ path, animations: 'disabled' });
    }
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: null });
  if (before) await page.setViewportSize(before);
}

/** Nothing is on its way out of the store any more. */
export async function settled(page: Page): Promise<void> {
  await page.locator('#shell').waitFor({ state: 'detached' });
  await page.locator('.skeleton').first().waitFor({ state: 'detached' });
  await page.locator('main').filter({ hasText: /\p{L}/u }).waitFor();
}
