// Files for wg-quick, as providers and apps write them, and what is wrong with others.
import test from 'ava'
import { generatePrivateKey, MidwireError } from '../../src/index.js'
import { clientConfig } from '../../src/transports/client-config.js'
import { parseWgQuick } from '../../src/transports/wg-quick.js'

const key = (letter: string) => `${letter.repeat(42)}A=`
const [own, peer, shared] = [key('a'), key('b'), key('c')]
const read = (text: string) => parseWgQuick('/etc/a.conf', text)

const mullvad = `[Interface]
# Device: Happy Cat
PrivateKey = ${own}
Address = 10.64.12.34/32,fc00:bbbb:bbbb:bb01::1:c22/128
DNS = 10.64.0.1

[Peer]
PublicKey = ${peer}
AllowedIPs = 0.0.0.0/0,::0/0
Endpoint = 185.213.154.68:51820
`

const proton = `[Interface]
# Key for midwire
# Bouncing = 1
# NAT-PMP (Port Forwarding) = off
PrivateKey = ${own}
Address = 10.2.0.2/32
DNS = 10.2.0.1

[Peer]
# NL-FREE#12
PublicKey = ${peer}
AllowedIPs = 0.0.0.0/0
Endpoint = 89.39.107.113:51820
`

const wgEasy = `
[Interface]
PrivateKey = ${own}
Address = 10.8.0.2/24
DNS = 1.1.1.1


[Peer]
PublicKey = ${peer}
PresharedKey = ${shared}
AllowedIPs = 0.0.0.0/0, ::/0
PersistentKeepalive = 25
Endpoint = vpn.example.com:51820`

const warp = `[Interface]
PrivateKey = ${own}
Address = 172.16.0.2/32
Address = 2606:4700:110:8a36:df92:102a:9602:fa18/128
DNS = 1.1.1.1,1.0.0.1,2606:4700:4700::1111,2606:4700:4700::1001
MTU = 1280
[Peer]
PublicKey = ${peer}
AllowedIPs = 0.0.0.0/0
AllowedIPs = ::/0
Endpoint = engage.cloudflareclient.com:2408
`

const office = `\uFEFF[interface]\r
  privatekey=${own}   # mine\r
ADDRESS = 10.0.0.2, fd00::2\r
dns = 10.0.0.53 corp.example, fd00::53 lab.example.\r
ListenPort = 40000\r
Table = off\r
FwMark = 0xca6c\r
PostUp = iptables -A FORWARD -i %i -j ACCEPT; echo a=b\r
PostUp = true\r
SaveConfig = true\r
\r
[ PEER ]\r
PublicKey = ${peer}\r
PresharedKey = ${'A'.repeat(43)}=\r
AllowedIPs = 10.0.0.7/24, 10.0.0.0/24, 192.168.0.0/16, fd00::1:0/64\r
Endpoint = [2001:db8::1]:51820\r
PersistentKeepalive = off\r
[Peer]\r
PublicKey = ${key('d')}\r
AllowedIPs = 192.168.0.0/16, 10.9.9.9\r
[Peer]\r
PublicKey = ${key('e')}\r
AllowedIPs =\r
Endpoint = 2001:db8::2:51821\r
`

const peerOf = (more: object) => ({ publicKey: peer, presharedKey: undefined, keepalive: 0, ...more })
const base = { privateKey: own, dns: [], search: [], mtu: undefined, listenPort: 0, ignored: [] }

test('the files of providers', (t) => {
  t.deepEqual(read(mullvad), {
    ...base,
    addresses: ['10.64.12.34', 'fc00:bbbb:bbbb:bb01::1:c22'],
    dns: ['10.64.0.1'],
    peers: [peerOf({ allowedIps: ['0.0.0.0/0', '::/0'], endpoint: { host: '185.213.154.68', port: 51820 } })],
  })
  t.deepEqual(read(proton), {
    ...base,
    addresses: ['10.2.0.2'],
    dns: ['10.2.0.1'],
    peers: [peerOf({ allowedIps: ['0.0.0.0/0'], endpoint: { host: '89.39.107.113', port: 51820 } })],
  })
  t.deepEqual(read(wgEasy), {
    ...base,
    addresses: ['10.8.0.2'],
    dns: ['1.1.1.1'],
    peers: [
      peerOf({
        presharedKey: shared,
        allowedIps: ['0.0.0.0/0', '::/0'],
        endpoint: { host: 'vpn.example.com', port: 51820 },
        keepalive: 25,
      }),
    ],
  })
  t.deepEqual(read(warp), {
    ...base,
    addresses: ['172.16.0.2', '2606:4700:110:8a36:df92:102a:9602:fa18'],
    dns: ['1.1.1.1', '1.0.0.1', '2606:4700:4700::1111', '2606:4700:4700::1001'],
    mtu: 1280,
    peers: [
      peerOf({ allowedIps: ['0.0.0.0/0', '::/0'], endpoint: { host: 'engage.cloudflareclient.com', port: 2408 } }),
    ],
  })
})

test('case, comments, lists, line ends, several peers, and keys that have no effect', (t) => {
  t.deepEqual(read(office), {
    privateKey: own,
    addresses: ['10.0.0.2', 'fd00::2'],
    dns: ['10.0.0.53', 'fd00::53'],
    search: ['corp.example', 'lab.example'],
    mtu: undefined,
    listenPort: 40000,
    ignored: ['Table', 'FwMark', 'PostUp', 'SaveConfig'],
    peers: [
      peerOf({ allowedIps: ['10.0.0.0/24', 'fd00::/64'], endpoint: { host: '2001:db8::1', port: 51820 } }),
      // A range belongs to the last peer that has it.
      { ...peerOf({ allowedIps: ['192.168.0.0/16', '10.9.9.9/32'], endpoint: undefined }), publicKey: key('d') },
      { ...peerOf({ allowedIps: [], endpoint: { host: '2001:db8::2', port: 51821 } }), publicKey: key('e') },
    ],
  })
})

test('what midwire gives its own clients', (t) => {
  const privateKey = generatePrivateKey()
  const text = clientConfig(
    {
      serverPublicKey: peer,
      port: 51820,
      mtu: 1300,
      addresses: ['10.0.0.53', 'fd6d:6964:7769:7265::53'],
      host: '192.0.2.1',
      peerAddresses: ['10.0.0.1/32', 'fd6d:6964:7769:7265::1/128'],
      presharedKey: shared,
      keepalive: 20,
    },
    { privateKey },
  )
  t.deepEqual(read(text), {
    ...base,
    privateKey,
    addresses: ['10.0.0.1', 'fd6d:6964:7769:7265::1'],
    dns: ['10.0.0.53', 'fd6d:6964:7769:7265::53'],
    mtu: 1300,
    peers: [
      peerOf({
        presharedKey: shared,
        allowedIps: ['0.0.0.0/0', '::/0'],
        endpoint: { host: '192.0.2.1', port: 51820 },
        keepalive: 20,
      }),
    ],
  })
})

const head = `[Interface]\nPrivateKey = ${own}\nAddress = 10.0.0.2\n`
const withPeer = (line: string) => `${head}[Peer]\nPublicKey = ${peer}\n${line}`

test('what is wrong is said with its line, and no key is', (t) => {
  for (const [text, message] of [
    ['', /^\/etc\/a\.conf: there is no PrivateKey in \[Interface\]; is it a file for wg-quick\?$/],
    ['{"server_key": "x"}', /^\/etc\/a\.conf, line 1: this is neither a section nor Key = value$/],
    [`[Interface]\nAddress = 10.0.0.2\n[Peer]\nPublicKey = ${peer}`, /: there is no PrivateKey/],
    [`[Interface]\nPrivateKey = ${own}\n[Peer]\nPublicKey = ${peer}`, /: there is no Address/],
    [head, /: there is no \[Peer\]/],
    [`Address = 10.0.0.1\n${head}`, /, line 1: Address stands before the first section/],
    [`${head}[Peers]`, /, line 4: there are only the sections/],
    [`${head}[Peer]`, /, line 4: this \[Peer\] has no PublicKey/],
    [`${withPeer('')}[Peer]\nPublicKey = ${peer}`, /, line 4: another \[Peer\] has the same PublicKey/],
    [`[Interface]\nPrivateKey = ${own.slice(1)}`, /, line 2: PrivateKey is not a WireGuard key/],
    [`[Interface]\n${own}`, /, line 2: this is neither a section/],
    [`[Interface]\n${own} = x`, /, line 2: this is neither a section/],
    [`[Interface]\nAddress = ${own}`, /, line 2: Address \(not shown, as it may be a key\): an IP address/],
    ['[Interface]\nAddress = 10.0.0.2/33', /, line 2: Address "10\.0\.0\.2\/33": an IP address/],
    ['[Interface]\nAddress = fe80::1%eth0', /, line 2: Address "fe80::1%eth0"/],
    ['[Interface]\nDNS = 1.2.3', /, line 2: DNS "1\.2\.3": an IP address/],
    ['[Interface]\nDNS = a/b', /, line 2: DNS "a\/b": the address of a name server, or a domain/],
    ['[Interface]\nMTU = 100', /, line 2: MTU 100: midwire takes 576 to 9000/],
    ['[Interface]\nMTU = big', /, line 2: MTU "big": a whole number/],
    ['[Interface]\nListenPort = 65536', /, line 2: ListenPort "65536": a whole number from 0 to 65535/],
    [withPeer('AllowedIPs = 10.0.0.0/99'), /, line 6: AllowedIPs "10\.0\.0\.0\/99": a range/],
    [withPeer('PersistentKeepalive = -1'), /, line 6: PersistentKeepalive "-1"/],
    [withPeer('Endpoint = vpn.example.com'), /, line 6: Endpoint "vpn\.example\.com": a host and a port/],
    [withPeer('Endpoint = 1.2.3.4:0'), /, line 6: Endpoint/],
    [withPeer('Endpoint = 1.2.3.400:51820'), /, line 6: Endpoint/],
    [withPeer('Endpoint = [vpn.example.com]:51820'), /, line 6: Endpoint/],
    [withPeer(`PresharedKey = ${shared.slice(0, 40)}`), /, line 6: PresharedKey is not a WireGuard key/],
  ] as const) {
    const error = t.throws(() => read(text), { instanceOf: MidwireError, code: 'ERR_WIREGUARD_CONF', message }, text)
    t.notRegex(error?.message ?? '', /[abc]{20}/, text)
  }
})

test('an MTU of 0 leaves it to the program', (t) => {
  t.is(read(`${withPeer('').replace('[Peer]', 'MTU = 0\n[Peer]')}`).mtu, undefined)
})
