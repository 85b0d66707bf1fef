// The end-to-end tests: real Chromium, one at a time, no second tries.
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: 'tests',
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 180_000,
  expect: { timeout: 20_000 },
  use: { actionTimeout: 30_000 },
  reporter: 'list',
  outputDir: 'test-results',
});
