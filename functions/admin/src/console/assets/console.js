// The console works without this script. It asks for confirmations in a dialog instead of on a page, and updates
// regions live. It creates no HTML: it replaces regions with those of the same page as the server renders them.
'use strict';

const EVERY_MS = 5000;
const dialog = document.getElementById('confirm');

// --- Confirmation ---------------------------------------------------------------------------------

document.addEventListener('submit', (event) => {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (!question || !dialog || form.elements.confirmed) return;
  event.preventDefault();
  document.getElementById('confirm-text').textContent = question;
  dialog.returnValue = 'no';
  dialog.addEventListener('close', () => {
    if (dialog.returnValue !== 'yes') return;
    const confirmed = document.createElement('input');
    Object.assign(confirmed, { type: 'hidden', name: 'confirmed', value: 'yes' });
    form.append(confirmed);
    form.requestSubmit(event.submitter);
  }, { once: true });
  dialog.showModal();
});

// --- Live updates ----------------------------------------------------------------------------------

const regions = () => [...document.querySelectorAll('[data-live][id]')];
let isOn = sessionStorage.getItem('live') !== 'off';

/** Whether an update would disturb the user. */
function isBusy() {
  const active = document.activeElement;
  const types = active?.matches('input:not([type=checkbox]), textarea, select') && active.closest('[data-live]');
  const selection = getSelection();
  const selects = !selection.isCollapsed && selection.anchorNode?.parentElement?.closest('[data-live]');
  return document.hidden || dialog?.open || types || selects;
}

/** Returns a function that finds the same element in an updated region. */
function sameElement(element) {
  if (element.id) return (region) => region.querySelector(`#${CSS.escape(element.id)}`);
  const key = (other) => [other.localName, other.getAttribute('href'), other.name, other.value, other.form?.action,
    other.getAttribute('aria-label'), other.textContent.trim()].join('\n');
  const wanted = key(element);
  return (region) => [...region.querySelectorAll(element.localName)].find((other) => key(other) === wanted);
}

function replace(region, fresh) {
  // A region of an ended message has no data-live and is not updated again.
  region.toggleAttribute('data-live', fresh.hasAttribute('data-live'));
  if (region.innerHTML === fresh.innerHTML) return;
  for (const details of region.querySelectorAll('details[id]')) {
    const same = fresh.querySelector(`#${CSS.escape(details.id)}`);
    if (same) same.open = details.open;
  }
  for (const box of region.querySelectorAll('input[type=checkbox]:checked')) {
    const same = sameElement(box)(fresh);
    if (same) same.checked = true;
  }
  const boxes = () => [...region.querySelectorAll('.scroll, pre')];
  const scrolled = boxes().map((box) => [box.scrollLeft, box.scrollTop]);
  const focused = region.contains(document.activeElement) ? sameElement(document.activeElement) : undefined;
  region.replaceChildren(...document.adoptNode(fresh).childNodes);
  boxes().forEach((box, index) => { [box.scrollLeft, box.scrollTop] = scrolled[index] ?? [0, 0]; });
  if (focused) (focused(region) ?? document.getElementById('main')).focus({ preventScroll: true });
}

async function update() {
  if (!isOn || isBusy() || regions().length === 0) return;
  const response = await fetch(location.href, { headers: { Accept: 'text/html' } });
  // The session has ended: reload to show the sign-in form.
  if (response.redirected) { location.reload(); return; }
  const text = await response.text();
  if (!response.ok || !isOn || isBusy()) return;
  const page = new DOMParser().parseFromString(text, 'text/html');
  for (const region of regions()) {
    const fresh = page.getElementById(region.id);
    if (fresh) replace(region, fresh);
  }
}

async function updateAgainAndAgain() {
  // After a failed request the next one may succeed.
  try { await update(); } catch { /* the page stays unchanged */ }
  setTimeout(updateAgainAndAgain, EVERY_MS);
}

/** Adds the button that stops and starts live updates. */
function offerSwitch() {
  const button = document.createElement('button');
  const show = () => { button.textContent = isOn ? 'Stop live updates' : 'Start live updates'; };
  button.type = 'button';
  button.className = 'plain';
  button.addEventListener('click', () => {
    isOn = !isOn;
    sessionStorage.setItem('live', isOn ? 'on' : 'off');
    show();
  });
  show();
  document.getElementById('live').append(button);
}

if (regions().length > 0 && document.getElementById('live')) {
  offerSwitch();
  setTimeout(updateAgainAndAgain, EVERY_MS);
}
