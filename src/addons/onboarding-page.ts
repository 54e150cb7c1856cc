// The onboarding page as HTML. The steps for the visitor's most likely platform come first. The page loads nothing from other hosts.
import { createHash } from 'node:crypto'
import { platformsOf, SECTIONS, type Section } from './onboarding-steps.js'
import { STYLE } from './onboarding-style.js'

export interface Page {
  readonly html: string
  /** The value of the Content-Security-Policy field. */
  readonly policy: string
}

export interface Certificate {
  readonly commonName: string
  readonly fingerprint: string
}

export function onboardingPage(host: string, { commonName, fingerprint }: Certificate, userAgent: string): Page {
  const guesses = platformsOf(userAgent)
  const place = ({ id }: Section) => (guesses.includes(id) ? guesses.indexOf(id) : SECTIONS.length)
  // The sort is stable, so the sections without a guess stay in their order.
  const sections = [...SECTIONS].sort((a, b) => place(a) - place(b))
  const name = escaped(commonName)
  const safe = escaped(host)
  const shown = sections.map((section, index) => sectionHtml(section, name, index === 0 && guesses.length > 0))
  const body = `<header>
<p class="mark"><b>midwire</b> sees what this device sends</p>
<h1>Install the certificate</h1>
<p>Until this device trusts it, encrypted connections fail, or midwire cannot read them.</p>
</header>
<p id="trust" role="status">Not sure whether it is installed? Open <a href="https://${safe}/">https://${safe}/</a>: where it shows without a warning, it is.</p>
${shown.join('\n')}
<footer>
<p>Files: <a href="/cert/pem">pem</a>, <a href="/cert/cer">cer</a>, <a href="/cert/p12">p12</a>. Certificate: ${name}. SHA-256 fingerprint:<br><code>${escaped(fingerprint)}</code><br>
Compare it with what <code>midwire ca show</code> prints.</p>
<p>Anyone who has this authority’s private key can read what this device sends: remove the certificate when you no longer need it.</p>
</footer>`
  return page('Install the certificate', body, probe(host), `https://${host}`)
}

export function missingPage(host: string): Page {
  const body = `<header>
<p class="mark"><b>midwire</b></p>
<h1>There is no such page</h1>
<p>The certificate is at <a href="/">${escaped(host)}</a>.</p>
</header>`
  return page('There is no such page', body, '', '')
}

function sectionHtml({ id, title, file, steps, apart, note }: Section, name: string, first: boolean): string {
  const list = apart ? 'ul' : 'ol'
  const filled = steps.map((step) => `<li>${step.replaceAll('{name}', () => name)}</li>`).join('\n')
  const inner = `<a class="get" href="/cert/${file}">Get the certificate <small>.${file}</small></a>
<${list}>
${filled}
</${list}>${note ? `\n<p class="note">${note}</p>` : ''}`
  return first
    ? `<section id="${id}"><h2>${title}</h2>\n${inner}</section>`
    : `<details id="${id}"><summary><h2>${title}</h2></summary>\n${inner}</details>`
}

/** A script that loads a picture over HTTPS, which works only where the certificate is trusted, and shows the result on the page. */
function probe(host: string): string {
  const address = JSON.stringify(`https://${host}/probe?`).replaceAll('<', '\\u003c')
  return `
(function () {
  var trust = document.getElementById('trust'), picture = new Image()
  picture.onload = function () {
    trust.className = 'yes'
    trust.textContent = '\\u2713 This browser trusts the certificate. There is nothing left to do.'
  }
  picture.onerror = function () {
    trust.className = 'no'
    trust.textContent = 'This browser does not trust the certificate yet.'
  }
  picture.src = ${address} + new Date().getTime()
  var ios = document.getElementById('ios')
  if (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1) {
    ios.setAttribute('open', '')
    trust.parentNode.insertBefore(ios, trust.nextSibling)
  }
})()
`
}

function page(title: string, body: string, script: string, pictures: string): Page {
  const html = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>midwire: ${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
${script && `<script>${script}</script>\n`}</body>
</html>
`
  // Old browsers (CSP 1) know no hashes and need unsafe-inline, which newer browsers ignore beside a hash.
  const inline = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}' 'unsafe-inline'`
  const policy = [
    "default-src 'none'",
    `style-src ${inline(STYLE)}`,
    ...(script ? [`script-src ${inline(script)}`] : []),
    // The option `onboarding_host` may be any text, and one that is no host name must not get into the policy.
    ...(/^https:\/\/[\w.-]+$/.test(pictures) ? [`img-src ${pictures}`] : []),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return { html, policy: policy.join('; ') }
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
