// DNS messages: of DNS over HTTPS (RFC 8484), in the body or in the query, and of raw flows.
import { type DnsMessage, parseDns } from '../flow/dns-message.js'
import { messageText } from '../flow/dns-text.js'
import { queryOf } from './form.js'
import { mediaType, type View, type ViewMetadata } from './view.js'

const DNS_PORT = 53

export const dns: View = {
  name: 'dns',
  help: 'DNS messages: questions and records a line each',
  priority(content, metadata) {
    if (mediaType(metadata.contentType) === 'application/dns-message') return content.length > 0 ? 1 : 0
    if (content.length === 0) return metadata.fromClient && inQuery(metadata) ? 0.9 : 0
    const isDns = metadata.kind === 'udp' && metadata.flow?.server?.port === DNS_PORT
    return isDns && read(content) ? 0.9 : 0
  },
  render(content, metadata, page) {
    const message = content.length > 0 ? parseDns(content) : inQuery(metadata)
    if (!message) throw new Error('there is no message')
    for (const line of messageText(message).split('\n')) page.line(line)
    return undefined
  },
}

/** The message in the parameter `dns` of a query, in base64url. */
function inQuery({ path }: ViewMetadata): DnsMessage | undefined {
  const value = /(?:^|&)dns=([\w-]{16,})(?:&|$)/.exec(queryOf(path))?.[1]
  return value === undefined ? undefined : read(Buffer.from(value, 'base64url'))
}

function read(bytes: Buffer): DnsMessage | undefined {
  try {
    return parseDns(bytes)
  } catch {
    return undefined
  }
}
