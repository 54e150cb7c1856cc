// The proxy itself: its state, options, modes, certificate, log, commands, and filters.
import { EXPORT_FORMATS, FILTER_HELP, MidwireError, parseFilter, usageOf } from '../../index.js'
import type { proxy } from '../api/tables/proxy.js'
import { openApi } from '../openapi.js'
import type { Handlers, Surroundings } from '../server/call.js'
import { notFound } from '../server/failure.js'
import { filterFault } from '../shape/filter.js'
import { isSecret, modesJson, optionsJson, SECRET, usageJson } from '../shape/proxy.js'
import { plainResult } from '../shape/result.js'
import { stepsOf } from '../shape/steps.js'

type Table = Pick<
  typeof proxy,
  | ('getState' | 'getUsage' | 'getOpenApi' | 'listOptions' | 'setOptions' | 'listModes' | 'addMode' | 'removeMode')
  | (
      | 'getCertificate'
      | 'downloadCertificate'
      | 'getLog'
      | 'listCommands'
      | 'runCommand'
      | 'checkFilter'
      | 'getFilterHelp'
    )
>

const LEVELS = ['error', 'warn', 'info', 'debug']
const DEFAULT_LINES = 500

export const proxyHandlers: Handlers<Table> = {
  getState(call) {
    const { proxy, version, startedAt } = call
    return {
      ...{ version, startedAt, node: process.versions.node, platform: `${process.platform} ${process.arch}` },
      confdir: proxy.confdir,
      proxyUrl: urlOf(call),
      views: proxy.views.names,
      exports: [...EXPORT_FORMATS],
      hasWireGuard: proxy.modes.some(({ name }) => name === 'wireguard'),
      usage: usageJson(proxy, call.followers()),
    }
  },
  getUsage: ({ proxy, followers }) => usageJson(proxy, followers()),
  getOpenApi: ({ version }) => openApi(version),
  listOptions: ({ proxy }) => ({ options: optionsJson(proxy) }),
  setOptions({ proxy, body }) {
    const given = Object.entries(body).filter(([name, value]) => !(isSecret(name) && value === SECRET))
    proxy.options.set(Object.fromEntries(given.map(([name, value]) => [name, value ?? undefined])))
    return { options: optionsJson(proxy, new Set(given.map(([name]) => name))) }
  },
  listModes: ({ proxy }) => modesJson(proxy),
  async addMode({ proxy, body }) {
    await proxy.addMode(body.spec)
    return modesJson(proxy)
  },
  async removeMode({ proxy, input: { spec } }) {
    if (!(await proxy.removeMode(spec))) throw notFound(`mode ${spec}`)
    return modesJson(proxy)
  },
  getCertificate: (call) => certificateJson(call),
  downloadCertificate({ proxy: { authority }, input: { format = 'pem' } }) {
    if (format === 'pem') return { type: 'application/x-pem-file', content: authority.pem, name: 'midwire-ca-cert.pem' }
    return { type: 'application/x-x509-ca-cert', content: authority.der, name: 'midwire-ca-cert.cer' }
  },
  getLog({ proxy, input: { level = 'debug', limit = DEFAULT_LINES } }) {
    const wanted = LEVELS.slice(0, LEVELS.indexOf(level) + 1)
    const lines = proxy.logLines.filter((line) => wanted.includes(line.level))
    return { lines: limit === 0 ? [] : lines.slice(-limit).map((line) => ({ ...line })) }
  },
  listCommands({ proxy }) {
    const commands = proxy.commands.list().map(({ name, help, arguments: wanted }) => {
      const given = wanted.map(({ choices, ...one }) => ({ ...one, choices: choices && [...choices] }))
      return { name, help, usage: usageOf(name, wanted), arguments: given }
    })
    return { commands }
  },
  async runCommand({ proxy, input: { name }, body }) {
    return { result: plainResult(await proxy.commands.call(name, ...body.arguments)) }
  },
  checkFilter({ input: { filter } }) {
    try {
      if (filter.trim() !== '') parseFilter(filter)
      return { valid: true }
    } catch (error) {
      if (!(error instanceof MidwireError)) throw error
      return { valid: false, ...filterFault(error) }
    }
  },
  getFilterHelp: () => ({ operators: FILTER_HELP.map(({ term, help }) => ({ operator: term, help })) }),
}

/** Undefined where no mode is an HTTP proxy. */
function urlOf({ proxy }: Surroundings): string | undefined {
  try {
    return proxy.url
  } catch {
    return undefined
  }
}

function certificateJson({ proxy: { authority, options } }: Surroundings) {
  const { commonName, certificate, fingerprint } = authority
  const { onboarding, onboarding_host } = options.snapshot
  return {
    name: commonName,
    validFrom: Date.parse(certificate.validFrom),
    validTo: Date.parse(certificate.validTo),
    fingerprint,
    page: onboarding ? `http://${onboarding_host}` : undefined,
    devices: stepsOf(commonName),
  }
}
