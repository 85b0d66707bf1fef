// The measurements: each prints a table and lines `figure NAME VALUE`.
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: 'bench',
  testMatch: '*.bench.ts',
  workers: 1,
  retries: 0,
  timeout: 600_000,
  reporter: './support/plain.ts',
  outputDir: 'test-results',
});
