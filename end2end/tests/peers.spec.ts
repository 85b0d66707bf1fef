// The ways in which the systems in use today lose or hide work, each by its name, and what happens here instead. What is
// shown by another test is named in `ELSEWHERE`, and that test must be there.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import type { Request } from '@playwright/test';

import { ready, recordAndOpen, recordCase, recordVisit, row, SLIENG, watchPushes } from '../support/story.ts';
import { NEWER, OtherSite } from '../support/site.ts';
import { fillUp } from '../support/store.ts';
import { expect, test } from '../support/test.ts';

const NAME = 'Hoàng Thị Thử Nghiệm';
const PLAIN = { name: NAME, what: 'Sống một mình, ngã hai lần.' };

/** What goes wrong elsewhere: file and test which show that it cannot go wrong here. */
const ELSEWHERE: Record<string, [string, string]> = {
  "another person's first log-in clears unsent requests": [
    'end2end/tests/two-people.spec.ts',
    'what one person has not sent stays on a shared phone, unseen by the other',
  ],
  'unsent data of a previous user is lost': ['app/tests/device/phone.rs', 'logging_out_keeps_what_was_not_sent'],
  'one user per phone': ['end2end/tests/two-people.spec.ts', 'two people hand a phone over with one tap'],
  'short sessions lock people out with data inside': [
    'end2end/tests/main-job.spec.ts',
    'an ended session loses nothing',
  ],
  'log-out, user switch or password change loses or locks work': [
    'app/tests/device/people.rs',
    'whoever_logged_out_finds_everything_after_logging_in',
  ],
  'the last request wins in silence': ['end2end/tests/conflict.spec.ts', 'what two people wrote differently stays'],
  'order of arrival decides': ['domain/src/field.rs', 'two_who_did_not_see_each_other_are_both_kept_whatever_the_order'],
  'the phone always wins': ['domain/tests/simulation/main.rs', 'an_office_where_the_last_write_wins_decides_a_conflict_in_silence'],
  'one form bricks the sync': ['domain/src/laws.rs', 'one_unknown_change_delays_only_itself'],
  'one bad item blocks the rest': ['server/tests/api/push.rs', 'one_unknown_change_delays_only_what_builds_on_it'],
  'a chain out of order waits for days': [
    'server/tests/api/push.rs',
    'a_change_that_waits_takes_effect_when_what_it_builds_on_arrives',
  ],
  'nothing is encrypted on the device': ['app/tests/device/notebook.rs', 'nothing_readable_rests_on_the_phone'],
  'a referral needs a network': ['end2end/tests/main-job.spec.ts', 'a wanderer recorded at night without network'],
  'the cursor is not in the transaction of its rows': ['app/tests/device/notebook.rs', 'a_page_that_fails_half_way_moves_no_cursor'],
  'storage is evicted without a word': [
    'app/tests/device/phone.rs',
    'a_notebook_the_browser_threw_away_is_noticed_and_recording_goes_on',
  ],
  'a held item is dropped': ['app/tests/device/phone.rs', 'a_held_change_can_be_corrected_or_sent_again'],
  'a newer store is broken by an older app': [
    'end2end/tests/store.spec.ts',
    'a store that a newer app has written is left untouched',
  ],
  'what the app called saved is gone after a crash': ['end2end/tests/kill.spec.ts', 'what the app called saved survives kills'],
};

test('every failure that is shown elsewhere has its test there', () => {
  const project = resolve(import.meta.dirname, '../..');
  const missing = Object.entries(ELSEWHERE).filter(
    ([, [file, name]]) => !readFileSync(join(project, file), 'utf8').includes(name),
  );
  expect(missing).toEqual([]);
});

for (const status of [404, 422]) {
  test(`an answer of ${status} drops no edit`, async ({ phone }) => {
    await ready(phone, 'lan');
    phone.isToldOf(status);
    await phone.page.route('**/api/push', (route) => route.fulfill({ status, body: '<html>no</html>' }));
    const refused = phone.page.waitForResponse((answer) => answer.url().endsWith('/api/push'));
    const code = await recordCase(phone.page, PLAIN);
    expect((await refused).status()).toBe(status);
    await phone.open('/cases');
    await expect(row(phone.page, code)).toContainText('Chờ gửi');
    await expect(phone.page.getByText('Đã gửi hết')).toHaveCount(0);
    await phone.page.unroute('**/api/push');
    await phone.open('/cases');
    await expect(row(phone.page, code)).toContainText('Xã đã nhận', { timeout: 30_000 });
  });
}

test('what waited goes out in the order of writing after a restart, not out of order', async ({ phone }) => {
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  const path = await recordAndOpen(phone, SLIENG);
  await recordVisit(phone, path, 'Lần một: còn đau.');
  await recordVisit(phone, path, 'Lần hai: đỡ đau.');
  await phone.restart();
  const sent: number[] = [];
  phone.page.on('request', (request) => {
    if (!request.url().endsWith('/api/push')) return;
    const { batch } = request.postDataJSON() as { batch: { changes: { n: number }[] } };
    sent.push(...batch.changes.map(({ n }) => n));
  });
  await phone.open('/sync');
  await phone.goOnline();
  await expect(phone.page.getByText('Không còn gì chờ gửi.')).toBeVisible({ timeout: 30_000 });
  expect(sent.length).toBeGreaterThanOrEqual(3);
  expect(sent).toEqual([...sent].sort((a, b) => a - b));
});

test('a create whose answer was lost is sent again and is neither doubled nor parked as failed', async ({ phone, anotherPhone }) => {
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  const code = await recordCase(phone.page, PLAIN);
  const pushes = phone.network.exchanges.filter(({ path }) => path === '/api/push').length;
  // The office does the work, and its answer never comes.
  phone.network.cutAnswersAfter(0);
  await phone.goOnline();
  await expect
    .poll(() => phone.network.exchanges.filter(({ path }) => path === '/api/push').length, { timeout: 30_000 })
    .toBeGreaterThan(pushes);
  await expect(phone.page.getByText('Đã gửi hết')).toHaveCount(0);
  await phone.goOffline();
  phone.network.cutAnswersAfter(undefined);
  await phone.goOnline();
  await phone.open('/cases');
  await expect(row(phone.page, code)).toContainText('Xã đã nhận', { timeout: 60_000 });
  await phone.open('/sync');
  await expect(phone.page.getByText('Không còn gì chờ gửi.')).toBeVisible();
  await expect(phone.page.getByText(/\d cần xem/)).toHaveCount(0);
  const desk = await anotherPhone();
  await ready(desk, 'hanh');
  await desk.open('/cases');
  await desk.page.getByRole('searchbox').fill(code);
  await expect(row(desk.page, code)).toHaveCount(1, { timeout: 30_000 });
  // The browser writes a line for each answer that was cut.
  const others = phone.complaints.filter((line) => !line.includes('net::ERR_EMPTY_RESPONSE'));
  phone.complaints.splice(0, phone.complaints.length, ...others);
});

test('a time-out or a failure at the office is never called a success', async ({ phone }) => {
  await ready(phone, 'lan');
  await phone.installed();
  phone.isToldOf(503);
  phone.isToldOf(504);
  for (const [n, status] of [504, 503].entries()) {
    await phone.page.route('**/api/push', (route) => route.fulfill({ status, body: '' }));
    const failed = phone.page.waitForResponse((answer) => answer.url().endsWith('/api/push'));
    await phone.open('/');
    const code = await recordCase(phone.page, { ...PLAIN, name: `${NAME} ${'AB'[n]}` });
    await failed;
    for (const path of ['/cases', '/', '/sync']) {
      await phone.open(path);
      await expect(phone.page.getByText(/Chờ gửi|chờ gửi/).first()).toBeVisible();
      await expect(phone.page.getByText(/Đã gửi hết|Không còn gì chờ gửi/)).toHaveCount(0);
    }
    await phone.page.unroute('**/api/push');
    await phone.open('/cases');
    await expect(row(phone.page, code)).toContainText('Xã đã nhận', { timeout: 60_000 });
  }
});

test('two tabs never run two syncs at once, and what one wrote goes out once', async ({ phone }) => {
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  const code = await recordCase(phone.page, PLAIN);
  const other = await phone.context.newPage();
  await other.goto(`${phone.network.url}/cases`);
  await expect(row(other, code)).toContainText('Chờ gửi');
  let running = 0;
  let most = 0;
  const sent: string[] = [];
  phone.context.on('request', (request) => {
    if (!/\/api\/(push|pull)$/.test(request.url())) return;
    running += 1;
    most = Math.max(most, running);
    if (!request.url().endsWith('/api/push')) return;
    const { batch } = request.postDataJSON() as { batch: { changes: { id: string }[] } };
    sent.push(...batch.changes.map(({ id }) => id));
  });
  const ended = (request: Request): void => {
    if (/\/api\/(push|pull)$/.test(request.url())) running -= 1;
  };
  phone.context.on('requestfinished', ended);
  phone.context.on('requestfailed', ended);
  phone.network.delay(60);
  await phone.network.open();
  await Promise.all([phone.goOnline(), other.evaluate(() => window.dispatchEvent(new Event('online')))]);
  await expect(row(other, code)).toContainText('Xã đã nhận', { timeout: 30_000 });
  phone.network.delay(0);
  expect(most).toBe(1);
  expect(sent.length).toBeGreaterThan(0);
  expect(new Set(sent).size).toBe(sent.length);
  await other.close();
});

test('a full phone says that it could not save, and keeps what was typed', async ({ phone }) => {
  await ready(phone, 'lan');
  await phone.installed();
  const path = await recordAndOpen(phone, SLIENG);
  await fillUp(phone);
  const { page } = phone;
  await phone.open(`${path}/visit`);
  const seen = page.getByLabel('Thấy và nghe những gì?');
  await seen.fill('Còn đau chân.');
  await page.getByRole('button', { name: 'Lưu trên máy này' }).click();
  await expect(page.getByRole('alert').filter({ hasText: /đầy|chỗ/ })).toBeVisible();
  await expect(page.getByText('Đã lưu trên máy này')).toHaveCount(0);
  await expect(seen).toHaveValue('Còn đau chân.');
});

test('an update of the app breaks no unsent work', async ({ office, phone }) => {
  const newer = await OtherSite.newer();
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  const code = await recordCase(phone.page, PLAIN);
  await office.restart({ site: newer.folder });
  // Nothing is sent yet: the office is there for files only.
  await phone.context.route('**/api/push', (route) => route.abort());
  await phone.goOnline();
  await phone.reload();
  const root = phone.page.locator('html');
  await expect(root).toHaveAttribute('data-update', 'ready');
  await phone.page.evaluate(() => window.dispatchEvent(new Event('cn-update-agreed')));
  await expect(root).toHaveAttribute('data-build', NEWER);
  await phone.open('/cases');
  await expect(row(phone.page, code)).toContainText('Chờ gửi');
  await phone.context.unroute('**/api/push');
  const pushes = watchPushes(phone.page);
  await phone.open('/cases');
  await expect(row(phone.page, code)).toContainText('Xã đã nhận', { timeout: 60_000 });
  expect(pushes.flat()).toHaveLength(1);
  await newer.remove();
});

test("a phone whose clock is years ahead misses nothing: the client's clock is no cursor", async ({ phone, anotherPhone }) => {
  const ahead = new Date();
  ahead.setFullYear(ahead.getFullYear() + 3);
  const desk = await anotherPhone({ clock: ahead });
  await ready(desk, 'hanh');
  // Written, and received, long before the time of her clock.
  await ready(phone, 'lan');
  const code = await recordCase(phone.page, PLAIN);
  await phone.open('/cases');
  await expect(row(phone.page, code)).toContainText('Xã đã nhận', { timeout: 30_000 });
  await desk.open('/cases');
  await desk.page.getByRole('searchbox').fill(code);
  await expect(row(desk.page, code)).toBeVisible({ timeout: 30_000 });
});
