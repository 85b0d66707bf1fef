// Prints what a bench prints, and why one failed; nothing else.
import type { FullResult, Reporter, TestCase, TestError, TestResult } from '@playwright/test/reporter';

export default class Plain implements Reporter {
  onStdOut(chunk: string | Buffer) {
    process.stdout.write(chunk);
  }

  onStdErr(chunk: string | Buffer) {
    process.stderr.write(chunk);
  }

  onError(error: TestError) {
    process.stderr.write(`${error.stack ?? error.message}\n`);
  }

  onTestEnd(test: TestCase, result: TestResult) {
    if (result.status === 'passed') return;
    process.stderr.write(`${test.title}: ${result.status}\n`);
    for (const error of result.errors) this.onError(error);
  }

  onEnd(_result: FullResult) {}

  printsToStdio() {
    return true;
  }
}
