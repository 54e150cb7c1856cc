// The certificate that devices are to trust: where it is, and the steps, those of the device that shows the page first.

import { copy } from '../flows/actions.js'
import { type Answer, address } from '../shell/api.js'
import { dateOf } from '../shell/format.js'
import { query, setQuery } from '../shell/router.js'

type Certificate = Answer<'getCertificate'>
type Word = Certificate['devices'][number]['steps'][number][number]

/** By the words that browsers have for systems. A Mac that can be touched is an iPad. */
function here(): string {
  const { userAgent, maxTouchPoints } = navigator
  if (/android/i.test(userAgent)) return 'android'
  if (/iphone|ipad/i.test(userAgent) || (/mac os/i.test(userAgent) && maxTouchPoints > 1)) return 'ios'
  if (/firefox/i.test(userAgent)) return 'firefox'
  if (/mac os/i.test(userAgent)) return 'macos'
  return /windows/i.test(userAgent) ? 'windows' : 'linux'
}

export function Steps({ certificate }: { certificate: Certificate }) {
  const { devices, page, fingerprint, name, validTo } = certificate
  const wanted = query.value.get('device') ?? here()
  const chosen = devices.find(({ device }) => device === wanted) ?? devices[0]
  return (
    <section id="certificate" class="certificate" aria-labelledby="certificate-title">
      <h2 id="certificate-title">Certificate</h2>
      <p>
        What a device sends over TLS can be read once it trusts our certificate.{' '}
        {page && (
          <>
            On the device, open <code>{page}</code>, or{' '}
          </>
        )}
        download it here:{' '}
        <a href={address('/certificate/file', { format: 'pem' })} download="midwire-ca-cert.pem">
          PEM
        </a>
        ,{' '}
        <a href={address('/certificate/file', { format: 'cer' })} download="midwire-ca-cert.cer">
          CER
        </a>
        .
      </p>
      <div class="choices" role="group" aria-label="The device at hand">
        {devices.map(({ device, title }) => (
          <button
            key={device}
            type="button"
            aria-pressed={device === chosen?.device}
            onClick={() => setQuery({ device: device === here() ? '' : device })}
          >
            {title}
          </button>
        ))}
      </div>
      {chosen && (
        <div class="steps">
          {chosen.apart && <p class="faint">One of these is enough:</p>}
          <ol data-apart={chosen.apart}>
            {chosen.steps.map((step) => (
              <li key={step.join('')}>{step.map(worded)}</li>
            ))}
          </ol>
          {chosen.note && <p class="faint">{chosen.note.map((word) => worded(word))}</p>}
        </div>
      )}
      <p class="faint">
        {name}, until {dateOf(validTo)}. SHA-256 <code>{fingerprint}</code>
      </p>
    </section>
  )
}

/** A command that ends the sentence stands on a line of its own, and is copied by a click. */
const worded = (word: Word, at: number = 0, all: readonly Word[] = []) => {
  if (typeof word === 'string') return word
  const [style, text] = word
  if (style === 'strong') return <strong key={text}>{text}</strong>
  if (at === 0 || at < all.length - 1) return <code key={text}>{text}</code>
  return (
    <span key={text} class="typed">
      <pre tabIndex={0}>{text}</pre>
      <button type="button" class="quiet" onClick={() => void copy(text, 'Command line')}>
        Copy
      </button>
    </span>
  )
}
