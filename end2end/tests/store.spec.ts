// What lies on the phone when the app cannot open it: it is said, it is left alone, and it never looks like nothing.
import { ready, recordCase } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

const WHO = 'Hoàng Thị Thử Nghiệm';

test('a store that a newer app has written is left untouched, and said to be so', async ({ phone }) => {
  await ready(phone, 'lan');
  await phone.installed();
  await phone.goOffline();
  await recordCase(phone.page, { name: WHO, what: 'Sống một mình, ngã hai lần.' });
  const notebooks = async (): Promise<{ name: string; version: number }[]> => {
    const all = await phone.page.evaluate(() => indexedDB.databases());
    return all.flatMap(({ name, version }) => (name && version ? [{ name, version }] : []));
  };
  const mine = (await notebooks()).filter(({ name }) => /[0-9a-f]{8}/.test(name));
  expect(mine).toHaveLength(1);
  const name = mine[0]?.name ?? '';
  const version = (mine[0]?.version ?? 0) + 1;

  // A page of the app's own origin on which the app does not run.
  await phone.open('/manifest.webmanifest');
  await phone.page.evaluate(
    ([name, version]) =>
      new Promise<void>((done, failed) => {
        const opening = indexedDB.open(name, version);
        opening.onerror = () => failed(opening.error);
        opening.onsuccess = () => {
          opening.result.close();
          done();
        };
      }),
    [name, version] as const,
  );

  for (const path of ['/', '/cases', '/referrals']) {
    await phone.open(path);
    await expect(phone.page.getByText('Dữ liệu trên máy thuộc bản mới hơn')).toBeVisible({ timeout: 30_000 });
    await expect(phone.page.getByText(/Hôm nay chưa có việc hẹn|Chưa có phiếu nào|Không có hồ sơ nào|Chưa có hồ sơ nào/)).toHaveCount(0);
  }
  expect(await notebooks()).toContainEqual({ name, version });
});
