// The pictures of every screen, into target/screens.
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: 'screens',
  testMatch: '*.screen.ts',
  workers: 1,
  retries: 0,
  timeout: 300_000,
  use: { actionTimeout: 20_000 },
  reporter: 'list',
  outputDir: 'test-results',
});
