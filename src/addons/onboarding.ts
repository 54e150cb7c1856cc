// Serves the page at mitm.it, from which a device gets the certificate. The proxy itself answers, so mitm.it need not exist.
import { sameName } from '../flow/host-name.js'
import { type HttpFlow, HttpResponse } from '../flow/http.js'
import type { Addon } from '../hooks.js'
import { missingPage, onboardingPage, type Page } from './onboarding-page.js'

/** The parts of the certificate authority that the page shows and serves. */
export interface OnboardingAuthority {
  /** The certificate, without its key. */
  readonly pem: string
  /** The certificate, without its key, as PKCS #12. */
  readonly p12: () => Buffer
  readonly commonName: string
  /** SHA-256 of the certificate, as `AB:CD:...`. */
  readonly fingerprint: string
}

export interface OnboardingOptions {
  /** The option `onboarding_host`. */
  readonly host: string
  /** The addresses of the tunnels' resolvers. A device that uses another resolver gets the page at `http://10.0.0.53/`. */
  readonly resolver?: readonly string[]
  readonly authority: OnboardingAuthority
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: Buffer
  readonly fields?: readonly (readonly [string, string])[]
}

const CERTIFICATE = 'application/x-x509-ca-cert'
const FILES = { pem: CERTIFICATE, cer: CERTIFICATE, p12: 'application/x-pkcs12' } as const

/** A picture of one transparent dot, which the script of the page loads over HTTPS. */
const DOT = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

export function onboarding({ host, resolver = [], authority }: OnboardingOptions): Addon {
  let isOn = true
  return {
    name: 'onboarding',
    configure({ options }) {
      isOn = options.onboarding
    },
    // The hook is not `request`, because then the proxy would hold every body of every request for it.
    requestheaders(flow: HttpFlow) {
      if (!isOn) return
      const asked = flow.request.prettyHost
      if (sameName(asked, host) || (flow.client.peer && resolver.includes(asked))) {
        flow.response = respond(flow, answer(flow, host, authority))
      }
    },
  }
}

function answer(flow: HttpFlow, host: string, authority: OnboardingAuthority): Answer {
  const { method, path, headers } = flow.request
  if (method !== 'GET' && method !== 'HEAD') {
    return { status: 405, type: 'text/plain', body: Buffer.alloc(0), fields: [['Allow', 'GET, HEAD']] }
  }
  const [resource] = path.split('?')
  const file = /^\/cert\/(pem|cer|p12)$/.exec(resource ?? '')?.[1] as keyof typeof FILES | undefined
  if (file) {
    const body = file === 'p12' ? authority.p12() : Buffer.from(authority.pem)
    const disposition = `attachment; filename=midwire-ca-cert.${file}`
    return { status: 200, type: FILES[file], body, fields: [['Content-Disposition', disposition]] }
  }
  // Browsers request the icon by themselves, and log an error where there is none.
  if (resource === '/probe' || resource === '/favicon.ico') {
    return { status: 200, type: 'image/gif', body: DOT, fields: [['Access-Control-Allow-Origin', '*']] }
  }
  if (resource !== '/') return page(404, missingPage(host))
  return page(200, onboardingPage(host, authority, headers.get('user-agent') ?? ''))
}

function page(status: number, { html, policy }: Page): Answer {
  return {
    status,
    type: 'text/html; charset=utf-8',
    body: Buffer.from(html),
    fields: [
      ['Content-Security-Policy', policy],
      ['Referrer-Policy', 'no-referrer'],
    ],
  }
}

function respond(flow: HttpFlow, { status, type, body, fields = [] }: Answer): HttpResponse {
  const headers: [string, string][] = [
    ['Content-Type', type],
    ['Content-Length', `${body.length}`],
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
  ]
  for (const [name, value] of fields) headers.push([name, value])
  // The response to HEAD has the fields of that to GET (RFC 9110, 9.3.2), and no content.
  return new HttpResponse({ status, headers, ...(flow.request.method !== 'HEAD' && { content: body }) })
}
