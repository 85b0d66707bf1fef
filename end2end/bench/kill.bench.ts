// Two hundred kills of the app's process and of the office, at random moments, mostly while something is being written.
import { expect, test } from '@playwright/test';

import { printFigures } from '../support/figure.ts';
import { Killing } from '../support/killing.ts';

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 200);

test('kill', async () => {
  // Some four seconds a round on a quiet machine; a busy one takes ten times that.
  test.setTimeout(ROUNDS * 60_000 + 120_000);
  const seed = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000);
  console.log(`kill: seed ${seed}`);
  const killing = await Killing.start({ seed });
  for (let round = 1; round <= ROUNDS; round += 1) {
    await killing.round();
    if (round % 20 === 0) console.log(`${round} rounds, ${killing.promised.size} notes promised, ${killing.midWrite} kills in the midst`);
  }
  const report = await killing.report();
  await killing.stop();
  for (const line of [...report.lost, ...report.doubled]) console.log(line);
  printFigures({
    'kill.rounds': report.rounds,
    'kill.lost': report.lost.length,
    'kill.doubled': report.doubled.length,
    'kill.mid_write_percent': Math.round((100 * report.midWrite) / report.kills),
  });
  expect(report).toMatchObject({ lost: [], doubled: [] });
});
