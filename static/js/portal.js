// Small comforts. Every page works without this file.

// data-copy="selector" on a button copies the text (or value) of what the selector finds.
async function copy (button) {
  const source = document.querySelector(button.dataset.copy)
  await navigator.clipboard.writeText(source.value ?? source.textContent.trim())
  const label = button.textContent
  button.textContent = 'Copied'
  setTimeout(() => { button.textContent = label }, 1500)
}

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-copy]')
  if (button) copy(button)

  event.target.closest('[data-dismiss]')?.closest('.alert').remove()

  for (const menu of document.querySelectorAll('.menu[open]')) {
    if (!menu.contains(event.target)) menu.open = false
  }
})

document.addEventListener('keydown', (event) => {
  const menu = event.key === 'Escape' && document.querySelector('.menu[open]')
  if (menu) {
    menu.open = false
    menu.querySelector('summary').focus()
  }
})

// allauth reports a passkey that was refused, or cancelled, to the console only.
document.addEventListener('allauth.error', (event) => {
  event.preventDefault()
  document.querySelector('#script-error').hidden = false
})
