// Which of the protocols that a client offers to upgrade to may be offered to its server (RFC 9110, 7.8).

/**
 * HTTP/2 in the open (`h2c`) and TLS are not read here after a 101, so no server may be led to switch to them. `h2` is a name for
 * TLS alone, and a version of HTTP is spelled `HTTP/2.0`.
 */
const UNSPOKEN = /^(?:h2c?|(?:http|tls)\/.*)$/i

/** What is left of an Upgrade field without the protocols that are not spoken here; undefined where nothing is left. */
export function spokenProtocols(upgrade: string): string | undefined {
  const offered = upgrade.split(',')
  const spoken = offered.map((one) => one.trim()).filter((one) => one !== '' && !UNSPOKEN.test(one))
  if (spoken.length === offered.length) return upgrade
  return spoken.length > 0 ? spoken.join(', ') : undefined
}
