// Decides which of the protocols in a client's Upgrade may be offered to the server (RFC 9110, 7.8).

/**
 * Midwire cannot read cleartext HTTP/2 (`h2c`) or TLS after a 101, so no server may be led to switch to them. Clients also write
 * `h2`, which is a name for use with TLS, and `HTTP/2.0`.
 */
const UNSPOKEN = /^(?:h2c?|(?:http|tls)\/.*)$/i

/** An Upgrade field without the protocols that midwire cannot read; undefined where none is left. */
export function spokenProtocols(upgrade: string): string | undefined {
  const offered = upgrade.split(',')
  const spoken = offered.map((one) => one.trim()).filter((one) => one !== '' && !UNSPOKEN.test(one))
  if (spoken.length === offered.length) return upgrade
  return spoken.length > 0 ? spoken.join(', ') : undefined
}
