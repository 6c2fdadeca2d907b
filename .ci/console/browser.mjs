// A browser that detects errors on its console and requests to other origins.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function startBrowser() {
  const args = process.getuid() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: process.env.CHROMIUM, args });
}

/** Opens a page in a new session. `faults` collects the detected errors. */
export async function openPage(browser, origin, options = {}) {
  const context = await browser.newContext({ baseURL: origin, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults = [];
  page.on('pageerror', (error) => faults.push(`error: ${error}`));
  // The browser also reports expected 4xx responses.
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !/status of 40[0-9]/.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  page.on('dialog', (dialog) => { faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith('data:')) faults.push(`request: ${request.url()}`);
  });
  return { context, page, faults };
}

/** Returns the findings of axe-core on pages, in light and dark, on a screen and on a phone. */
export async function findBarriers(browser, origin, cookies, addresses) {
  const { context, page } = await openPage(browser, origin);
  await context.addCookies(cookies);
  // Injected by the browser, so the page's content security policy stays unchanged.
  await context.addInitScript(axe);
  const found = [];
  for (const address of addresses) {
    await page.goto(address);
    for (const colorScheme of ['light', 'dark']) {
      for (const viewport of [{ width: 1280, height: 800 }, { width: 375, height: 700 }]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize(viewport);
        const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
        for (const { id, help, nodes } of violations) {
          found.push(`${address} ${colorScheme} ${viewport.width}: ${id}: ${help}: ${nodes.map(({ target }) => target).join(', ')}`);
        }
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (overflow > 0) found.push(`${address} ${viewport.width}: wider than the screen by ${overflow}`);
      }
    }
  }
  await context.close();
  return found;
}

/** Tabs through the page: every control is reached, and the focus is visible. */
export async function tabThrough(page) {
  await page.evaluate(() => document.activeElement?.blur());
  const reached = new Set();
  for (let step = 0; step < 200; step += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')];
      const { outlineStyle } = getComputedStyle(element);
      return { index: all.indexOf(element), isSeen: outlineStyle !== 'none', what: element.outerHTML.slice(0, 120) };
    });
    if (at === null) break;
    assert.ok(at.isSeen, `no focus is seen on ${at.what}`);
    if (at.index >= 0) reached.add(at.index);
  }
  const all = await page.evaluate(() =>
    [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
      .map((element, index) => [index, element.checkVisibility(), element.outerHTML.slice(0, 120)])
      .filter(([, isVisible]) => isVisible));
  const missed = all.filter(([index]) => !reached.has(index)).map(([, , what]) => what);
  assert.deepEqual(missed, [], 'not reached by the keyboard');
}
