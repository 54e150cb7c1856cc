// A CONNECT to a proxy that is no part of midwire: once that proxy has agreed, what follows is looked at as if it had gone there by itself.
import type { ServerConnection } from '../../../connection.js'
import { type Credentials, credentialsOf, type ProxyHop } from '../../../flow/via.js'
import type { Channel } from '../../channel.js'
import type { Context } from '../../layer.js'
import type { Destination, Route } from '../../route.js'
import type { RequestHead } from './head.js'
import { targetOf } from './target.js'

/** The connection leads through the proxy now. Others to the same destination leave by it, too. */
export function enterTunnel(context: Context, server: Channel<ServerConnection>, head: RequestHead): void {
  const { route } = server
  if (!route) return
  const { host, port } = targetOf(head, undefined)
  const to: Destination = { host, port, transport: 'tcp' }
  const via = [...route.via, proxyOf(route, head)]
  server.route = { to, via, from: route.from, tls: undefined }
  context.via = via
  context.server = server
  context.destination = to
  context.serverTls = undefined
  context.secured = false
}

function proxyOf({ to: { host, port }, tls }: Route, { headers }: RequestHead): ProxyHop {
  const credentials = readBasic(headers.get('proxy-authorization'))
  return { scheme: tls ? 'https' : 'http', host, port, ...(credentials && { credentials }) }
}

/** The user name and the password of a field's value (RFC 7617). */
function readBasic(value: string | undefined): Credentials | undefined {
  const [, encoded] = /^basic +([a-z0-9+/=]+)$/i.exec(value ?? '') ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  return text.includes(':') ? credentialsOf(text) : undefined
}
