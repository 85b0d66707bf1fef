// What somebody without the right wrote is kept, read by the supervisor of the area, and taken into the case.
import { changesOf, Forger, type Change } from '../support/forger.ts';
import { accessible } from '../support/looks.ts';
import { ready, recordCase, row } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

const SEEN = 'Nhà đóng cửa hai hôm, chó xích ngoài sân';

test('a note by somebody without the right reaches the supervisor of the area, and by their hand the case', { tag: '@office' }, async ({
  phone,
  anotherPhone,
}) => {
  await ready(phone, 'lan');
  const sent: Change[] = [];
  phone.page.on('request', (request) => {
    if (request.url().endsWith('/api/push')) sent.push(...changesOf(request));
  });
  const code = await recordCase(phone.page, { name: 'Hoàng Thị Mỷ', what: 'Sống một mình, ngã hai lần.' });
  await phone.open('/cases');
  await expect(row(phone.page, code)).toContainText('Xã đã nhận', { timeout: 30_000 });
  const [opened] = sent;
  if (!opened) throw new Error('nothing was sent');

  // A supervisor of another commune, who may not write on this case.
  const elsewhere = await anotherPhone();
  const toan = await Forger.at(elsewhere, () => ready(elsewhere, 'toan'));
  const visit = { ...opened, body: { visit_recorded: { on: '2026-11-01', seen: SEEN } } };
  expect(await toan.push([toan.own(visit)])).toEqual({ status: 200, text: expect.stringContaining('quarantined') });
  await elsewhere.put();

  const desk = await anotherPhone({ width: 1280, height: 800 });
  await desk.open('/office');
  await desk.logIn('hanh');
  await expect(desk.page.getByText('1 điều xã đã nhận còn để riêng, chờ anh/chị quyết định.')).toBeVisible();
  await desk.page.getByRole('link', { name: 'Để riêng' }).click();
  const note = desk.page.getByRole('article');
  await expect(note).toHaveCount(1);
  await expect(note).toContainText(SEEN);
  await expect(note).toContainText(code);
  await expect(note).toContainText('Khi xã nhận, người này không có quyền ở hồ sơ này.');
  await accessible(desk.page);
  await note.getByRole('button', { name: 'Đưa vào hồ sơ', exact: true }).click();
  await expect(desk.page.getByText('Đã đưa vào hồ sơ.')).toBeVisible();
  await expect(note).toHaveCount(0);

  // The village reads it, under the name of whoever wrote it.
  await phone.open('/cases');
  await row(phone.page, code).click();
  await phone.page.getByRole('link', { name: 'Thăm hỏi' }).click();
  await expect(phone.page.getByRole('article')).toContainText(SEEN, { timeout: 30_000 });
  await phone.page.getByRole('link', { name: 'Lịch sử' }).click();
  await expect(phone.page.getByRole('listitem').filter({ hasText: 'Lăng Văn Toàn' })).toBeVisible();
});
