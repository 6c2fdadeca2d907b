// Uses the console in a browser like an operator. Each step prints its result.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { findBarriers, openPage, startBrowser, tabThrough } from './browser.mjs';
import { freePort, startDestination, startSigpost } from './deployment.mjs';
import { playScene } from './scene.mjs';

const MARKUP = '<script>document.title="taken"</script><img src=x onerror="alert(1)"><b>bold</b>';
const ERROR = `no such customer ${MARKUP}`;
const screenshots = process.argv.includes('--screenshots') ? path.resolve('docs/screenshots') : undefined;

const saw = (text) => console.log(`  ${text}`);
const destination = await startDestination(ERROR);
const sigpost = await startSigpost();
const browser = await startBrowser();
try {
  await check();
  if (screenshots) await takeScreenshots();
} finally {
  await browser.close();
  await sigpost.stop();
  destination.stop();
}
console.log('The console does what it should.');

async function check() {
  const { context, page, faults } = await openPage(browser, sigpost.url);
  const main = () => page.locator('main').innerText();
  const click = (name, within = page) => within.getByRole('button', { name, exact: true }).click();
  const confirm = async () => { await page.locator('dialog[open]').getByRole('button', { name: 'Confirm' }).click(); };

  // --- Signing in
  await page.goto('/console/messages');
  await page.getByLabel('Admin token').fill('wrong');
  await click('Sign in');
  assert.match(await main(), /Invalid admin token/);
  await page.getByLabel('Admin token').fill(sigpost.token);
  await click('Sign in');
  await page.waitForURL('**/console/messages');
  assert.equal(await page.evaluate(() => document.cookie), '', 'no script reads the session');
  saw('an invalid token is rejected; the valid one leads to the requested page');

  // --- A job that fails, is read, and is retried
  const headers = { 'upstash-retries': '0', 'upstash-label': `shop ${MARKUP}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ customer: MARKUP });
  const { messageId } = await sigpost.api('POST', `/v2/publish/${destination.url}/charge`, { headers, body });
  await page.goto('/console/dead-letters');
  await page.getByRole('link', { name: messageId }).waitFor();
  await page.getByRole('link', { name: messageId }).click();
  assert.ok((await main()).includes(ERROR), 'the answer of the destination is there, as text');
  await page.getByRole('link', { name: 'View message' }).click();
  await page.locator('#attempt-1 > summary').click();
  assert.ok((await page.locator('#attempt-1').innerText()).includes(ERROR));
  assert.ok((await page.locator('pre.payload').last().innerText()).includes(JSON.stringify(MARKUP)));
  assert.equal(await page.locator('main img, main b, main script').count(), 0, 'markup stays text');
  saw('a failed job: its response, its attempt and its payload, all with markup as text');

  destination.heal();
  await page.getByRole('link', { name: 'View dead letter' }).click();
  await click('Retry');
  await page.getByText('Published again').waitFor();
  // Without reloading the page.
  await page.locator('.actions .badge', { hasText: 'delivered' }).waitFor();
  assert.equal(destination.received.length, 2);
  saw('redriven, and shown as delivered without a reload');

  // --- Live updates: new rows appear, and open details stay open
  await page.goto('/console/messages');
  const later = await sigpost.api('POST', `/v2/publish/${destination.url}/later`, { headers: { 'upstash-delay': '1h' } });
  await page.getByRole('link', { name: later.messageId }).waitFor();
  await page.getByRole('link', { name: later.messageId }).click();
  await page.locator('#life').waitFor();
  await click('Cancel message');
  await page.locator('dialog[open]').getByRole('button', { name: 'Go back' }).click();
  assert.equal((await sigpost.api('GET', `/v2/messages/${later.messageId}`)).state, 'CREATED');
  await click('Cancel message');
  await confirm();
  await page.getByText('The message is cancelled.').waitFor();
  assert.equal((await sigpost.api('GET', `/v2/messages/${later.messageId}`)).state, 'CANCELED');
  saw('a new message appears without a reload; it is cancelled only after a confirmation');

  // --- Queues and keys
  await page.goto('/console/queues');
  await page.getByLabel('Name').fill('mail');
  await page.getByLabel('Parallelism').fill('2');
  await click('Save');
  await click('Pause mail');
  await page.getByText('The queue is paused').waitFor();
  assert.equal((await sigpost.api('GET', '/v2/queues/mail')).paused, true);
  await click('Resume mail');
  await page.getByText('The queue is resumed').waitFor();
  assert.deepEqual((({ paused, parallelism }) => [paused, parallelism])(await sigpost.api('GET', '/v2/queues/mail')), [false, 2]);
  await page.goto('/console/flow-control');
  await page.getByLabel('Key', { exact: true }).fill('customer-7');
  await page.getByLabel('Rate', { exact: true }).fill('10');
  await page.getByLabel('Period (1m)').fill('1m');
  await click('Pin');
  await page.getByText('The limits are pinned.').waitFor();
  await click('Pause customer-7');
  await page.getByText('The key is paused').waitFor();
  saw('a queue created, paused and resumed; a key pinned and paused');

  // --- A schedule
  await page.goto('/console/schedules');
  await page.getByLabel(/^Cron/).fill('CRON_TZ=Europe/Berlin 0 3 * * *');
  await page.getByLabel(/^Destination/).fill(`${destination.url}/nightly`);
  await page.getByLabel(/^ID/).fill('nightly');
  await click('Create schedule');
  await page.getByText('The schedule is saved').waitFor();
  await click('Run now nightly');
  await page.getByText('The schedule was run').waitFor();
  await page.locator('.actions .badge', { hasText: 'delivered' }).waitFor();
  assert.ok(destination.received.includes('/nightly'));
  saw('a schedule created and run; its message delivered');

  // --- URL groups, publishing
  await page.goto('/console/url-groups');
  await page.getByLabel('Group', { exact: true }).fill('everybody');
  await page.getByLabel('URL', { exact: true }).fill(`${destination.url}/one`);
  await click('Add');
  await page.getByText('The endpoint is added.').waitFor();
  await page.goto('/console/publish');
  await page.getByLabel(/^Destination/).fill('everybody');
  await click('Publish');
  await page.getByText('Messages published: 1.').waitFor();
  await page.goto('/console/publish');
  assert.ok(await page.locator('#jobs option').count() >= 8, 'the job types are listed');
  await page.getByLabel(/^Destination/).fill(`${sigpost.url}/api/jobs/cleanup`);
  await page.getByLabel('Body').fill('{"retention": 90}');
  await click('Publish');
  await page.locator('[id^=run-]', { hasText: 'cleanup-old-data' }).waitFor();
  saw('a URL group created and published to; a job published, and its run shown');

  // --- Keys
  const before = await sigpost.api('GET', '/v2/keys');
  await page.goto('/console/keys');
  assert.ok(!(await page.content()).includes(before.current), 'no whole key on the page');
  await page.getByRole('link', { name: 'Rotate keys…' }).click();
  await page.getByLabel('All receivers have the next key').check();
  await click('Rotate keys');
  await page.getByText('The keys are rotated.').waitFor();
  assert.equal((await sigpost.api('GET', '/v2/keys')).current, before.next);
  saw('the signing keys rotated, in two steps');

  // --- Accessibility of all pages
  const failing = `http://127.0.0.1:${await freePort()}/closed-port`;
  await sigpost.api('POST', `/v2/publish/${failing}`, { headers: { 'upstash-retries': '0' } });
  await page.goto('/console/dead-letters');
  const letter = page.locator('td a.id').first();
  await letter.waitFor();
  const pages = [
    '/console', '/console/messages', `/console/messages/${messageId}`, '/console/dead-letters', await letter.getAttribute('href'),
    '/console/queues', '/console/flow-control', '/console/schedules', '/console/url-groups', '/console/keys', '/console/keys/rotate',
    '/console/publish', '/console/messages?label=none', '/console/nothing',
  ];
  const cookies = await context.cookies();
  const barriers = [
    ...await findBarriers(browser, sigpost.url, cookies, pages),
    ...await findBarriers(browser, sigpost.url, [], ['/console/login']),
  ];
  assert.deepEqual(barriers, []);
  saw(`axe-core finds nothing on ${pages.length + 1} pages, in light and dark, on a screen and on a phone`);
  for (const address of pages) {
    await page.goto(address);
    await tabThrough(page);
  }
  saw('every control is reached by the keyboard, and the focus is visible');
  await withoutScript(cookies);
  assert.deepEqual(faults, []);
  saw('no request to another origin, no error');
}

/** The confirmations as pages, without scripts. */
async function withoutScript(cookies) {
  const { context, page } = await openPage(browser, sigpost.url, { javaScriptEnabled: false });
  await context.addCookies(cookies);
  await page.goto('/console/schedules');
  await page.getByRole('button', { name: 'Delete nightly' }).click();
  assert.match(await page.locator('main').innerText(), /Are you sure\?[^]*Delete this schedule\?/);
  await page.getByRole('button', { name: 'Confirm' }).click();
  assert.match(await page.locator('main').innerText(), /The schedule is deleted\./);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.goto('/console/keys');
  assert.match(page.url(), /\/console\/login\?next=/);
  await context.close();
  saw('without scripts: confirmed on a page, done, signed out');
}

/** Takes screenshots after some minutes of traffic, in a deployment of its own. */
async function takeScreenshots(minutes = 4) {
  const shown = await startSigpost();
  const { context, page } = await openPage(browser, shown.url, { viewport: { width: 1180, height: 760 } });
  const { failed, stop } = await playScene(shown, minutes);
  await page.goto('/console');
  await page.getByLabel('Admin token').fill(shown.token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('**/console');
  await mkdir(screenshots, { recursive: true });
  const pages = [
    ['overview', `/console?window=${minutes}m`, 'light'], ['overview-dark', `/console?window=${minutes}m`, 'dark'],
    ['message', `/console/messages/${failed}`, 'light'],
  ];
  for (const [name, address, colorScheme] of pages) {
    await page.emulateMedia({ colorScheme });
    await page.goto(address);
    await page.screenshot({ path: path.join(screenshots, `console-${name}.png`) });
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 390, height: 760 });
  await page.goto('/console/dead-letters');
  await page.screenshot({ path: path.join(screenshots, 'console-phone.png') });
  await context.close();
  stop();
  await shown.stop();
  saw(`screenshots are in ${screenshots}`);
}
