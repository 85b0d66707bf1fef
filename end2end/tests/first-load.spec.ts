// The first load of a large commune: said how far it has come, cut and gone on with, and the screen answers meanwhile.
import { fillOffice } from '../support/crowd.ts';
import { ready } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

const CASES = 2_000;
/** The processor of a cheap phone. */
const SLOW = 6;

test('a first load says how far it is, goes on where it was killed, and taps are answered meanwhile', async ({
  anotherPhone,
}) => {
  test.setTimeout(600_000);
  const first = await anotherPhone();
  await ready(first, 'lan');
  await fillOffice(first, CASES);

  const phone = await anotherPhone();
  await phone.open('/');
  await phone.opened();
  await phone.installed();
  const bar = () => phone.page.getByRole('progressbar', { name: 'Hồ sơ đã về máy' });
  const part = async (): Promise<number> => Number(await bar().getAttribute('aria-valuenow', { timeout: 60_000 }));
  // A slow line: the load takes long enough to be looked at.
  phone.network.delay(150);
  await phone.logIn('lan');
  await expect(phone.page.getByText(/^Đang tải hồ sơ: [\d.]+ \/ khoảng [\d.]+\./)).toBeVisible({ timeout: 60_000 });
  await expect.poll(part, { timeout: 60_000 }).toBeGreaterThan(15);

  // Killed in the middle, and opened again: what is here stays, and only the rest is asked for.
  await phone.killRenderer();
  phone.network.exchanges.length = 0;
  await phone.open('/cases');
  const kept = await part();
  expect(kept).toBeGreaterThan(15);
  await expect(phone.page.getByText('Máy này chưa có hồ sơ nào')).toHaveCount(0);

  // Slowed six times, a tap and a typed letter are answered while pages arrive.
  const session = await phone.context.newCDPSession(phone.page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: SLOW });
  await phone.page.evaluate(() => {
    const page = window as unknown as { long: number[]; from: number };
    page.long = [];
    page.from = performance.now();
    new PerformanceObserver((list) => page.long.push(...list.getEntries().map((e) => e.duration))).observe({
      type: 'longtask',
    });
  });
  const answered: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    if (!(await bar().isVisible())) break;
    const began = Date.now();
    await phone.page.getByRole('searchbox').fill(`Nông ${i}`);
    await expect(phone.page.getByRole('searchbox')).toHaveValue(`Nông ${i}`);
    await phone.page.getByRole('searchbox').fill('');
    answered.push(Date.now() - began);
  }
  expect(answered.length).toBeGreaterThan(0);
  const { long, span } = await phone.page.evaluate(() => {
    const page = window as unknown as { long: number[]; from: number };
    return { long: page.long, span: performance.now() - page.from };
  });
  const busy = long.reduce((sum, ms) => sum + ms, 0) / span;
  console.log(`taps answered in ${answered.join(', ')} ms; long tasks ${Math.round(busy * 100)} %, longest ${Math.round(Math.max(0, ...long))} ms`);
  expect(Math.max(...answered)).toBeLessThan(6_000);
  await session.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  phone.network.delay(0);
  await expect(bar()).toHaveCount(0, { timeout: 120_000 });
  const heading = phone.page.getByRole('heading', { name: / hồ sơ$/ });
  await expect
    .poll(async () => Number((await heading.innerText()).replaceAll(/\D/g, '')), { timeout: 60_000 })
    .toBeGreaterThanOrEqual(CASES);
});

test('while the first load has not ended, no list says that it is empty', async ({ phone }) => {
  await phone.open('/');
  await phone.opened();
  await phone.installed();
  // The log-in passes, and the line dies before the first page.
  phone.isCutOffFrom('/api/pull');
  phone.network.cutRequestsFor(/^\/api\/pull/);
  await phone.logIn('lan');
  await expect(phone.page.getByRole('heading', { name: 'Chào chị Lan' })).toBeVisible();
  for (const [path, empty] of [['/', 'Hôm nay chưa có việc hẹn'], ['/cases', 'Máy này chưa có hồ sơ nào'], ['/referrals', 'Chưa có phiếu nào']]) {
    await phone.open(path ?? '/');
    await expect(phone.page.getByText('Hồ sơ của xã chưa về hết máy này')).toBeVisible({ timeout: 30_000 });
    await expect(phone.page.getByText(empty ?? '')).toHaveCount(0);
  }
});
