// Whoever may not decide or read does not, neither on the screen nor with requests made by hand under their own session.
import { about, changesOf, Forger, type Change } from '../support/forger.ts';
import type { Phone } from '../support/phone.ts';
import { ready, recordEmergency, row, send, tab } from '../support/story.ts';
import { expect, test } from '../support/test.ts';

/** Signs somebody in and keeps what their app says of itself. */
async function forger(phone: Phone, name: string): Promise<Forger> {
  return Forger.at(phone, () => ready(phone, name));
}

/** Records an emergency that asks for admission; gives its code, its case and its referral. */
async function ask(phone: Phone, what: string, trouble?: string): Promise<{ code: string; case: string; referral: string }> {
  await phone.open('/');
  const code = await recordEmergency(phone.page, { sex: 'Nam', age: '60', place: 'Nhà chờ xe', what, trouble });
  const found = new URL(phone.page.url()).pathname.split('/').at(-1) ?? '';
  await phone.open('/');
  await expect(phone.page.getByRole('link', { name: /^Đã gửi hết/ })).toBeVisible({ timeout: 30_000 });
  await phone.open(`/cases/${found}/referrals`);
  const path = (await phone.page.getByRole('link', { name: /Tiếp nhận khẩn cấp/ }).getAttribute('href')) ?? '';
  return { code, case: found, referral: path.split('/').at(-1) ?? '' };
}

/** Approves on the screen and gives the change that the app sent. */
async function approve(phone: Phone, code: string): Promise<Change> {
  await tab(phone.page, 'Chuyển tuyến');
  await row(phone.page, code).click();
  await phone.page.getByRole('radio', { name: 'Duyệt', exact: true }).check();
  // A look at the page may be on its way before it.
  const decides = ({ body }: Change): boolean => JSON.stringify(body).includes('"approve"');
  const asked = phone.page.waitForRequest((request) => request.url().endsWith('/api/push') && changesOf(request).some(decides));
  await send(phone.page, 'Gửi quyết định');
  const decision = changesOf(await asked).find(decides);
  if (!decision) throw new Error('no decision was sent');
  return decision;
}

test('nobody decides or reads what is not theirs, on the screen or past it', { tag: '@office' }, async ({ phone, anotherPhone }) => {
  test.setTimeout(300_000);
  const lan = await forger(phone, 'lan');
  const first = await ask(phone, 'Người lạnh, chân phải đau');
  const second = await ask(phone, 'Ngã ở bến xe, không nhớ tên');
  const secret = await ask(phone, 'Cháu bị đánh, giấu trong kho', 'Bị bạo lực, xâm hại, mua bán');
  const subject = `case:${second.case}`;

  // A real decision, made by the one who may make it.
  const desk = await anotherPhone();
  const hanh = await forger(desk, 'hanh');
  const decision = await approve(desk, first.code);
  const log = decision.log;
  const forged = about(decision, { from: first.referral, to: second.referral }, subject);
  const before = await hanh.parts(log, subject);

  // The writer does not decide on what they wrote.
  await phone.open(`/referrals/${second.case}/${second.referral}`);
  await expect(phone.page.getByRole('heading', { name: 'Các bước' })).toBeVisible();
  await expect(phone.page.getByRole('radio')).toHaveCount(0);
  expect(await lan.push([lan.own(forged)])).toEqual(refused('own_referral'));

  // The team sees the case and decides nothing; the supervisor of another commune does not even see it.
  for (const [name, seen] of [['quan', true], ['toan', false]] as const) {
    const theirs = await anotherPhone();
    const other = await forger(theirs, name);
    await theirs.open(`/referrals/${second.case}/${second.referral}`);
    const page = theirs.page;
    await expect(seen ? page.getByRole('heading', { name: 'Các bước' }) : page.getByText('Không có trang này')).toBeVisible();
    await expect(page.getByRole('radio', { name: 'Duyệt', exact: true })).toHaveCount(0);
    expect(await other.push([other.own(forged)])).toEqual(refused('not_your_step'));

    // In somebody else's name nothing is even read: neither the batch nor one change of it may name another.
    theirs.isToldOf(401);
    const signedOut = { status: 401, text: expect.stringContaining('signed_out') };
    expect(await other.push([hanh.own(forged)], { worker: hanh.worker, device: decision.device })).toEqual(signedOut);
    expect(await other.push([{ ...other.own(forged), author: hanh.worker }])).toEqual(signedOut);
    expect(await other.read([log], hanh.worker)).toEqual(signedOut);

    // Asked by hand for every log they can name, the office keeps the restricted case from those who are not named.
    const logs = [log, `worker:${hanh.worker}`, `worker:${lan.worker}`];
    const { status, text } = await other.read(logs);
    expect(status).toBe(200);
    expect(text.includes(second.code)).toBe(seen);
    for (const kept of [secret.case, secret.code, 'giấu trong kho']) expect(text).not.toContain(kept);
    await theirs.put();
  }

  // A facility reads its sheets and no case, whatever it asks for.
  const centre = await anotherPhone({ width: 1280, height: 800 });
  const thanh = await forger(centre, 'thanh');
  await centre.open(`/cases/${second.case}`);
  await expect(centre.page.getByText('Không có trang này')).toBeVisible();
  const handed = await thanh.subjects([log, `worker:${hanh.worker}`]);
  const cases = handed.filter((of) => of.subject.startsWith('case:'));
  expect(cases.length).toBeGreaterThan(0);
  expect(cases.filter((of) => !of.log.startsWith('facility:'))).toEqual([]);
  expect(await thanh.push([thanh.own(forged)])).toEqual(refused('not_your_step'));

  // Of all this the office has written nothing. And the forged request was good: from the right person it decides.
  expect(await hanh.parts(log, subject)).toBe(before);
  const accepted = await hanh.push([hanh.own(forged)]);
  expect(accepted.status).toBe(200);
  expect(accepted.text).toContain('accepted');
  expect(await hanh.parts(log, subject)).not.toBe(before);
});

test('a supervisor does not decide on a referral of their own, and the deputy does', { tag: '@office' }, async ({ phone, anotherPhone }) => {
  const hanh = await forger(phone, 'hanh');
  const own = await ask(phone, 'Người lạnh, chân phải đau');
  await phone.open(`/referrals/${own.case}/${own.referral}`);
  await expect(phone.page.getByText('Phiếu này do chính người đang cầm máy viết. Người khác sẽ duyệt.')).toBeVisible();
  await expect(phone.page.getByRole('radio', { name: 'Duyệt', exact: true })).toHaveCount(0);

  const deputy = await anotherPhone();
  await ready(deputy, 'kien');
  const decision = await approve(deputy, own.code);
  const second = await ask(phone, 'Ngã ở bến xe, không nhớ tên');
  const subject = `case:${second.case}`;
  const forged = about(decision, { from: own.referral, to: second.referral }, subject);
  const before = await hanh.parts(decision.log, subject);
  expect(await hanh.push([hanh.own(forged)])).toEqual(refused('own_referral'));
  expect(await hanh.parts(decision.log, subject)).toBe(before);
});

/** The answer to one change that the office refused for this reason. */
function refused(why: string): object {
  return { status: 200, text: expect.stringMatching(new RegExp(`^(?!.*accepted).*refused.*${why}`)) };
}
