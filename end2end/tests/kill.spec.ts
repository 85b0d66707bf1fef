// Processes die at the worst moment: what the app called saved is there, once. `KILL_SEED` plans the same strikes again.
import { Killing, type Report } from '../support/killing.ts';
import { expect, test } from '../support/test.ts';

const ROUNDS = 20;

async function play(rounds: number, fault?: () => void): Promise<Report> {
  const seed = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000);
  console.log(`kill: seed ${seed}`);
  const killing = await Killing.start({ seed, fault });
  try {
    for (let round = 0; round < rounds && killing.lost.size === 0; round += 1) await killing.round();
    const report = await killing.report();
    console.log(JSON.stringify(report));
    expect(killing.phone.complaints.filter((line) => /panic|unreachable|RuntimeError/i.test(line))).toEqual([]);
    return report;
  } finally {
    await killing.stop();
  }
}

test('what the app called saved survives kills of its process and of the office, and is at the office once', async () => {
  test.setTimeout(600_000);
  const report = await play(ROUNDS);
  expect(report).toMatchObject({ rounds: ROUNDS, kills: ROUNDS, lost: [], doubled: [] });
  // Otherwise nothing was tried.
  expect(report.promised).toBeGreaterThan(ROUNDS / 4);
  expect(report.midWrite).toBeGreaterThan(0);
});

test('the kill test finds a store that says "kept" and keeps nothing', async () => {
  test.setTimeout(300_000);
  const report = await play(6, () => {
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (this: IDBObjectStore, ...given: Parameters<typeof put>) {
      const request = put.apply(this, given);
      // A letter would bring what the outbox has lost.
      if (this.name === 'outbox' || this.name === 'letter') {
        request.addEventListener('success', () => this.delete(request.result));
      }
      return request;
    };
  });
  expect(report.lost).not.toEqual([]);
});

test('the kill test finds a note that reached the office twice', async () => {
  const killing = await Killing.start({ seed: 1 });
  const { page } = killing.phone;
  await page.route('**/api/push', async (route) => {
    // The line sends each visit a second time under another id.
    const body = route.request().postDataJSON() as { batch: { changes: { id: string; body: object }[] } };
    const { changes } = body.batch;
    const visits = changes.filter((change) => 'visit_recorded' in change.body);
    const twins = visits.map((change) => ({ ...change, id: change.id.replace(/.$/, (last) => (last === '0' ? '1' : '0')) }));
    const answer = await route.fetch({ postData: { batch: { ...body.batch, changes: [...changes, ...twins] } } });
    const verdicts = (await answer.json()) as unknown[];
    await route.fulfill({ response: answer, json: verdicts.slice(0, changes.length) });
  });
  const path = await killing.writeInPeace();
  expect(path).toContain('/cases/');
  const report = await killing.report();
  await killing.stop();
  expect(report.doubled).toHaveLength(1);
});
