// Small comforts. Every page works without this file.

// data-copy="selector" on a button copies the text (or value) of what the selector finds; data-copied says that it did.
async function copy (button) {
  const source = document.querySelector(button.dataset.copy)
  await navigator.clipboard.writeText(source.value ?? source.textContent.trim())
  const label = button.textContent
  button.textContent = button.dataset.copied ?? 'Copied'
  setTimeout(() => { button.textContent = label }, 1500)
}

// <time data-moment="moment|day|exact">, written by the server in UTC, in the viewer's own zone and language.
// English as the server writes it, day before month: 3 May 2026, 14:05.
const language = document.documentElement.lang === 'en' ? 'en-GB' : document.documentElement.lang
const moment = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
const day = new Intl.DateTimeFormat(language, { dateStyle: 'medium' })
const exact = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'long' })

function showInZoneOfViewer (root) {
  for (const time of root.querySelectorAll('time[data-moment]')) {
    const at = new Date(time.dateTime)
    time.title = exact.format(at)
    if (time.dataset.moment === 'moment') time.textContent = moment.format(at)
    if (time.dataset.moment === 'day') time.textContent = day.format(at)
  }
}

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-copy]')
  if (button) copy(button)

  event.target.closest('[data-dismiss]')?.closest('.alert').remove()

  for (const menu of document.querySelectorAll('.menu[open]')) {
    if (!menu.contains(event.target)) menu.open = false
  }
})

// A box with data-tick-all ticks all boxes of its table.
document.addEventListener('change', (event) => {
  if (!event.target.matches('[data-tick-all]')) return
  for (const box of event.target.closest('table').querySelectorAll('td.tick > input')) box.checked = event.target.checked
})

document.addEventListener('keydown', (event) => {
  const menu = event.key === 'Escape' && document.querySelector('.menu[open]')
  if (menu) {
    menu.open = false
    menu.querySelector('summary').focus()
  }
})

document.addEventListener('DOMContentLoaded', () => showInZoneOfViewer(document))
document.addEventListener('htmx:load', (event) => showInZoneOfViewer(event.target))

for (const failure of ['htmx:sendError', 'htmx:responseError', 'htmx:timeout']) {
  document.addEventListener(failure, () => { document.querySelector('#network-error').hidden = false })
}

// allauth reports a passkey that was refused, or cancelled, to the console only.
document.addEventListener('allauth.error', (event) => {
  event.preventDefault()
  document.querySelector('#script-error').hidden = false
})
