// Reads the files of wg-quick(8), as WireGuard's apps and providers write them: the keys and addresses of this end, and its peers.
import { isIPv4, isIPv6 } from 'node:net'
import { plainAddress } from '../addresses.js'
import { MidwireError } from '../errors.js'
import { keyBytes } from './keys.js'
import { canonicalRange } from './server-options.js'

/** Where a peer is. The host is a name or an address, without brackets. */
export interface WgEndpoint {
  readonly host: string
  readonly port: number
}

export interface WgPeer {
  readonly publicKey: string
  readonly presharedKey: string | undefined
  /** Each `address/prefix`, in its shortest form. No other peer of the file has the same. */
  readonly allowedIps: readonly string[]
  /** Undefined where the peer has to call. */
  readonly endpoint: WgEndpoint | undefined
  /** Seconds; 0 for none. */
  readonly keepalive: number
}

export interface WgQuickConf {
  readonly privateKey: string
  /** The addresses of this end, without prefixes; at least one. */
  readonly addresses: readonly string[]
  /** The addresses of name servers. */
  readonly dns: readonly string[]
  /** The domains that names without a dot are looked for in. */
  readonly search: readonly string[]
  /** Undefined where the file leaves it to the program. */
  readonly mtu: number | undefined
  /** 0 for any. */
  readonly listenPort: number
  /** At least one. */
  readonly peers: readonly WgPeer[]
  /** The keys in the file that have no effect here, in its spelling, each once: Table, PostUp, FwMark. */
  readonly ignored: readonly string[]
}

/** A key of a file, by which `Key = value` is told from other text. A WireGuard key that stands alone in a line is longer. */
const NAME = /^[a-z][a-z0-9]{0,30}$/i

/** 32 bytes in base64. Such a value is not shown, whatever it is the value of. */
const SECRET = /[a-z0-9+/]{42,}={0,2}/i

const ZEROS = `${'A'.repeat(43)}=`

/** A peer whose section is not over yet. */
interface Draft {
  readonly line: number
  publicKey?: string
  presharedKey?: string | undefined
  ranges: string[]
  endpoint?: WgEndpoint | undefined
  keepalive: number
}

/**
 * Reads a file. Its rules are those of wg-quick and wg: sections and keys in any case, `#` begins a comment, lists may stand in one line
 * or in several, of values that are given twice the last one counts. Throws ERR_WIREGUARD_CONF with the path, the line and the fault, and
 * never with a key.
 */
export function parseWgQuick(path: string, text: string): WgQuickConf {
  return new Reader(path).read(text)
}

class Reader {
  readonly #path: string
  #line = 0
  #section: 'interface' | Draft | undefined
  #privateKey: string | undefined
  #mtu: number | undefined
  #listenPort = 0
  readonly #addresses: string[] = []
  readonly #dns: string[] = []
  readonly #search: string[] = []
  readonly #peers: Draft[] = []
  readonly #ignored = new Map<string, string>()

  constructor(path: string) {
    this.#path = path
  }

  read(text: string): WgQuickConf {
    const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
    for (const [index, line] of lines.entries()) {
      this.#line = index + 1
      const [content = ''] = line.split('#', 1)
      if (content.trim() !== '') this.#read(content.trim())
    }
    if (this.#privateKey === undefined) throw this.#lacks('no PrivateKey in [Interface]')
    if (this.#addresses.length === 0) throw this.#lacks('no Address in [Interface]')
    if (this.#peers.length === 0) throw this.#lacks('no [Peer]')
    return {
      privateKey: this.#privateKey,
      addresses: this.#addresses,
      dns: this.#dns,
      search: this.#search,
      mtu: this.#mtu,
      listenPort: this.#listenPort,
      peers: this.#settle(),
      ignored: [...this.#ignored.values()],
    }
  }

  #read(content: string): void {
    const section = /^\[\s*(\w+)\s*\]$/.exec(content)?.[1]?.toLowerCase()
    if (section === 'interface') this.#section = 'interface'
    else if (section === 'peer') {
      this.#section = { line: this.#line, ranges: [], keepalive: 0 }
      this.#peers.push(this.#section)
    } else if (content.startsWith('[')) throw this.#wrong('there are only the sections [Interface] and [Peer]')
    else {
      const equals = content.indexOf('=')
      const name = content.slice(0, Math.max(0, equals)).trim()
      if (!NAME.test(name)) throw this.#wrong('this is neither a section nor Key = value')
      const value = content.slice(equals + 1).trim()
      if (this.#section === undefined) throw this.#wrong(`${name} stands before the first section, [Interface]`)
      if (this.#section === 'interface') this.#own(name, value)
      else this.#ofPeer(this.#section, name, value)
    }
  }

  #own(name: string, value: string): void {
    switch (name.toLowerCase()) {
      case 'privatekey':
        this.#privateKey = this.#key(name, value)
        return
      case 'address':
        for (const one of list(value)) this.#addresses.push(this.#address(name, one))
        return
      case 'dns':
        for (const one of list(value)) this.#nameServer(one)
        return
      case 'mtu':
        // wg-quick chooses for 0, too.
        this.#mtu = this.#number(name, value, 0, 65_535) || undefined
        if (this.#mtu !== undefined && (this.#mtu < 576 || this.#mtu > 9000)) {
          throw this.#wrong(`MTU ${this.#mtu}: midwire takes 576 to 9000 (bytes)`)
        }
        return
      case 'listenport':
        this.#listenPort = this.#number(name, value, 0, 65_535)
        return
      default:
        this.#ignore(name)
    }
  }

  #ofPeer(peer: Draft, name: string, value: string): void {
    switch (name.toLowerCase()) {
      case 'publickey':
        peer.publicKey = this.#key(name, value)
        return
      case 'presharedkey': {
        const key = this.#key(name, value)
        // A key of zeros stands for none.
        peer.presharedKey = key === ZEROS ? undefined : key
        return
      }
      case 'allowedips':
        for (const one of list(value)) peer.ranges.push(this.#range(one))
        return
      case 'endpoint':
        peer.endpoint = this.#endpoint(value)
        return
      case 'persistentkeepalive':
        peer.keepalive = value.toLowerCase() === 'off' ? 0 : this.#number(name, value, 0, 65_535)
        return
      default:
        this.#ignore(name)
    }
  }

  #ignore(name: string): void {
    if (!this.#ignored.has(name.toLowerCase())) this.#ignored.set(name.toLowerCase(), name)
  }

  #key(name: string, value: string): string {
    // wg takes no notice of spaces.
    const key = value.replace(/\s/g, '')
    try {
      keyBytes(key, name)
    } catch (cause) {
      throw this.#wrong((cause as Error).message)
    }
    return key
  }

  #number(name: string, value: string, least: number, most: number): number {
    const number = /^\d{1,5}$/.test(value) ? Number(value) : -1
    if (number < least || number > most)
      throw this.#wrong(`${name} ${shown(value)}: a whole number from ${least} to ${most}`)
    return number
  }

  #address(name: string, text: string): string {
    const [address = '', prefix, ...more] = text.split('/')
    const plain = address.includes('%') ? undefined : plainAddress(address)
    const most = plain?.includes(':') ? 128 : 32
    const fits = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= most)
    if (plain === undefined || !fits || more.length > 0) {
      throw this.#wrong(`${name} ${shown(text)}: an IP address is wanted, as in 10.0.0.2/32`)
    }
    return plain
  }

  /** Like wg-quick, takes what looks like no address for a domain. */
  #nameServer(text: string): void {
    if (/^[0-9.]+$|:/.test(text)) this.#dns.push(this.#address('DNS', text))
    else if (/^[\w-]+(\.[\w-]+)*\.?$/.test(text) && !SECRET.test(text)) this.#search.push(text.replace(/\.$/, ''))
    else throw this.#wrong(`DNS ${shown(text)}: the address of a name server, or a domain`)
  }

  #range(text: string): string {
    try {
      return canonicalRange(text, '')
    } catch {
      throw this.#wrong(`AllowedIPs ${shown(text)}: a range is wanted, as in 10.0.0.0/24 or fd00::/64`)
    }
  }

  #endpoint(value: string): WgEndpoint {
    const [, six, other, port] = /^(?:\[([\da-f:.]+)\]|([^\s[\]]+)):(\d{1,5})$/i.exec(value) ?? []
    const host = six ?? other ?? ''
    // An address of IPv6 without brackets has its port behind its last colon, as wg reads it, too.
    const isAddress = isIPv6(host) || (six === undefined && isIPv4(host))
    const isName = six === undefined && /^(?=.*[a-z])[\w-]+(\.[\w-]+)*\.?$/i.test(host) && host.length <= 255
    if (!(isAddress || isName) || Number(port) < 1 || Number(port) > 65_535) {
      throw this.#wrong(`Endpoint ${shown(value)}: a host and a port are wanted, as in vpn.example.com:51820`)
    }
    return { host, port: Number(port) }
  }

  /** The finished peers. A range belongs to the last peer that has it, as with wg. */
  #settle(): WgPeer[] {
    const keys = new Set<string>()
    const taken = new Set<string>()
    const peers: WgPeer[] = []
    for (const { line, publicKey, presharedKey, ranges, endpoint, keepalive } of [...this.#peers].reverse()) {
      this.#line = line
      if (publicKey === undefined) throw this.#wrong('this [Peer] has no PublicKey')
      if (keys.has(publicKey)) throw this.#wrong('another [Peer] has the same PublicKey')
      keys.add(publicKey)
      const allowedIps = [...new Set(ranges)].filter((range) => !taken.has(range))
      for (const range of allowedIps) taken.add(range)
      peers.unshift({ publicKey, presharedKey, allowedIps, endpoint, keepalive })
    }
    return peers
  }

  #wrong(why: string): MidwireError {
    return new MidwireError('ERR_WIREGUARD_CONF', `${this.#path}, line ${this.#line}: ${why}`)
  }

  #lacks(what: string): MidwireError {
    return new MidwireError('ERR_WIREGUARD_CONF', `${this.#path}: there is ${what}; is it a file for wg-quick?`)
  }
}

/** wg-quick separates by commas and spaces. */
const list = (value: string): string[] => value.split(/[\s,]+/).filter(Boolean)

const shown = (value: string): string =>
  SECRET.test(value) ? '(not shown, as it may be a key)' : JSON.stringify(value)
