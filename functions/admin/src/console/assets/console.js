// The console works without this. It asks before what cannot be taken back, in a dialog instead of on a
// page, and shows what has changed meanwhile. Nothing here makes HTML: regions are replaced by those of
// the same page, as the server has written them.
'use strict';

const EVERY_MS = 5000;
const dialog = document.getElementById('confirm');

// --- Asking before ---------------------------------------------------------------------------------

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

/** Whether somebody is doing something that an update would disturb. */
function isBusy() {
  const active = document.activeElement;
  const types = active?.matches('input:not([type=checkbox]), textarea, select') && active.closest('[data-live]');
  const selection = getSelection();
  const selects = !selection.isCollapsed && selection.anchorNode?.parentElement?.closest('[data-live]');
  return document.hidden || dialog?.open || types || selects;
}

/** Something that is the same element in the region of before and in that of after. */
function sameElement(element) {
  if (element.id) return (region) => region.querySelector(`#${CSS.escape(element.id)}`);
  const key = (other) => [other.localName, other.getAttribute('href'), other.name, other.value, other.form?.action,
    other.getAttribute('aria-label'), other.textContent.trim()].join('\n');
  const wanted = key(element);
  return (region) => [...region.querySelectorAll(element.localName)].find((other) => key(other) === wanted);
}

function replace(region, fresh) {
  // What has ended changes no more.
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
  // The session has ended: the page that is shown is the form.
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
  // What is away now may be back at the next time.
  try { await update(); } catch { /* shown as it was */ }
  setTimeout(updateAgainAndAgain, EVERY_MS);
}

/** The switch: whoever reads may want everything to stay where it is. */
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
