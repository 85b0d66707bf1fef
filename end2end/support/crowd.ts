// Many cases at the office: one that the app itself wrote and sent, written again for many people by another phone of the
// same person. What a change looks like is the app's business; here only names, days and ids are put in.
import { randomBytes, randomUUID } from 'node:crypto';

import { expect, type Page, type Request } from '@playwright/test';

import { recordAndOpen, recordVisit, SLIENG } from './story.ts';
import type { Phone } from './phone.ts';

const FAMILY = ['Nông', 'Hoàng', 'Triệu', 'Lý', 'Lương', 'Chu', 'Đặng', 'Vi', 'Hứa', 'Bế', 'Lục', 'Phùng', 'Dương'];
const MIDDLE = ['Thị', 'Văn', 'Thị Hồng', 'Mùi', 'Minh', 'Thị Bích', 'Quang', 'Thanh', 'Thị Ngọc', 'Đức', 'Láo'];
const GIVEN = ['Sliêng', 'Mẩy', 'Chảo', 'Thắm', 'Khuê', 'Xuân', 'Páo', 'Diễm', 'Sính', 'Nguyệt', 'Huy', 'Ghển', 'Ánh'];
const TROUBLE = ['elderly', 'disability', 'child', 'illness', 'poverty'];
const CODE = 'ACDEFGHKMNPRTVWXY34679';
/** What one push may carry. */
const TOGETHER = 100;

/** `{"full_name": "…"}`. */
type Fact = Record<string, unknown>;
interface Opened {
  code: string;
  facts: Fact[];
}
interface Change {
  id: string;
  subject: string;
  device: string;
  n: number;
  recorded_at: number;
  /** By the name of what the change says. */
  body: { case_opened?: Opened; visit_recorded?: { on: string; next: string } };
}
interface Batch {
  worker: string;
  device: string;
  changes: Change[];
}

/** Puts `cases` cases in the name of whoever holds `phone` into the office, each third with a visit, and pulls them. */
export async function fillOffice(phone: Phone, cases: number): Promise<void> {
  const { batch, opened, visited } = await written(phone);
  const known = opened.body.case_opened;
  if (!known) throw new Error('the case was opened with nothing');
  const device = randomUUID();
  const changes: Change[] = [];
  const day = 86_400_000;
  for (let i = 0; i < cases; i += 1) {
    const recorded_at = opened.recorded_at - day * (1 + (i % 300)) - i * 1000;
    const id = uuid7(recorded_at);
    const facts = known.facts.map((fact) => {
      if ('full_name' in fact) return { full_name: nameOf(i) };
      if ('tile' in fact) return { tile: at(TROUBLE, i) };
      return fact;
    });
    const told = { n: changes.length + 1, device, recorded_at, subject: `case:${id}` };
    changes.push({ ...opened, ...told, id, body: { case_opened: { ...known, code: codeOf(i), facts } } });
    if (i % 3 === 0) {
      const later = recorded_at + day / 2;
      // From ten days overdue to four months ahead: some fifty of a thousand cases stand on Today.
      const on = dayOf(opened.recorded_at - 40 * day);
      const next = dayOf(opened.recorded_at + ((i % 130) - 10) * day);
      const body = { visit_recorded: { ...visited.body.visit_recorded, on, next } };
      changes.push({ ...visited, ...told, id: uuid7(later), n: changes.length + 1, recorded_at: later, body });
    }
  }
  for (let first = 0; first < changes.length; first += TOGETHER) {
    await push(phone.page, { ...batch, device, changes: changes.slice(first, first + TOGETHER) });
  }
  await phone.open('/cases');
  const heading = phone.page.getByRole('heading', { name: / hồ sơ$/ });
  const shown = async (): Promise<number> => Number((await heading.innerText()).replaceAll(/\D/g, ''));
  await expect.poll(shown, { timeout: 60_000 }).toBeGreaterThanOrEqual(cases);
  await phone.page.getByText('Đã gửi hết').first().waitFor();
}

/** What the app sends for a case and a visit. */
async function written(phone: Phone): Promise<{ batch: Batch; opened: Change; visited: Change }> {
  const batches: Batch[] = [];
  const hear = (request: Request): void => {
    if (request.url().endsWith('/api/push')) batches.push((request.postDataJSON() as { batch: Batch }).batch);
  };
  const { page } = phone;
  page.on('request', hear);
  const sent = page.waitForResponse((answer) => answer.request().postData()?.includes('visit_recorded') ?? false);
  const path = await recordAndOpen(phone, SLIENG);
  await recordVisit(phone, path, 'Bà đi lại được trong nhà, còn đau khi leo dốc. Hàng xóm vẫn nấu cơm giúp.');
  await sent;
  page.off('request', hear);
  const all = batches.flatMap((batch) => batch.changes);
  const find = (kind: string): Change => {
    const change = all.find(({ body }) => kind in body);
    if (!change) throw new Error(`the app sent no ${kind}: ${JSON.stringify(all)}`);
    return change;
  };
  const [batch] = batches;
  if (!batch) throw new Error('the app sent nothing');
  return { batch, opened: find('case_opened'), visited: find('visit_recorded') };
}

async function push(page: Page, batch: Batch): Promise<void> {
  const verdicts = await page.evaluate(async (body) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch('/api/push', { method: 'POST', headers, body });
    return (await answer.json()) as Record<string, unknown>[];
  }, JSON.stringify({ batch }));
  const wrong = verdicts.filter((verdict) => !('accepted' in verdict));
  if (wrong.length > 0 || verdicts.length !== batch.changes.length) throw new Error(JSON.stringify(wrong.slice(0, 3)));
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function nameOf(i: number): string {
  return `${at(FAMILY, i)} ${at(MIDDLE, Math.floor(i / 13))} ${at(GIVEN, Math.floor(i / 7))}`;
}

function codeOf(i: number): string {
  let code = '';
  for (let rest = i + 1, k = 0; k < 6; k += 1, rest = Math.floor(rest / CODE.length)) code += CODE[rest % CODE.length];
  return code;
}

/** A UUIDv7 (RFC 9562 §5.7). */
function uuid7(ms: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(ms, 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function at<T>(list: readonly T[], i: number): T {
  return list[i % list.length] as T;
}
